import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Spawn } from "../../lib/queue/embedded/embedded-queue.ts";
import { eventually } from "../support/eventually.ts";
import { EmbeddedHarness } from "../fixtures/embedded-queue.ts";
import { dead, Inbox, message } from "./queue-harness.ts";

const faultModule = new URL("../fixtures/sync-fault.ts", import.meta.url).href;
const unknown = { type: "OUTCOME_UNKNOWN" };
const unavailable = { type: "QUEUE_UNAVAILABLE" };

/** A queue whose disk can be told to `hang` or to `fail` at each sync, or nothing. */
async function onFaultyDisk(
  test: (harness: EmbeddedHarness, say: (fault: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const harness = await EmbeddedHarness.open({});
  const file = join(harness.folder, "fault");
  const say = (fault: string) => writeFile(file, fault);
  try {
    await say("");
    await test(harness, say);
  } finally {
    await say("");
    await harness.dispose();
  }
}

const spawnFaulty =
  (folder: string): Spawn =>
  (file, workerData) =>
    new Worker(file, {
      workerData,
      execArgv: ["--disable-warning=ExperimentalWarning", "--import", faultModule],
      env: { ...process.env, SYNC_FAULT: join(folder, "fault") },
    });

const open = (harness: EmbeddedHarness, publishTimeoutMs = 60_000) =>
  harness.open({ spawn: spawnFaulty(harness.folder), publishTimeoutMs });

describe("a sync that fails", () => {
  test("leaves the publish in doubt, and what was refused is never delivered once the file is opened anew", () =>
    onFaultyDisk(async (harness, say) => {
      const queue = await open(harness);
      await queue.publish(message("before"));
      await say("fail");
      const refused = await Promise.allSettled(
        ["a", "b", "c"].map((text) => queue.publish(message(text))),
      );
      for (const each of refused) expect(each).toMatchObject({ reason: unknown });
      await expect(queue.publish(message("meanwhile"))).rejects.toMatchObject(unavailable);
      await say("");
      await eventually(() => queue.publish(message("after")));
      expect(await queue.depth()).toMatchObject({ messages: 2, sizeBytes: 11 + 2 * 64 });
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 8 });
      await inbox.arrived(2);
      await eventually(async () => expect((await queue.depth()).messages).toBe(0));
      expect(inbox.texts).toEqual(["before", "after"]);
    }));

  test("followed by a crash may bring it back: so it was not told as refused", () =>
    onFaultyDisk(async (harness, say) => {
      const queue = await open(harness);
      await say("fail");
      await expect(queue.publish(message("doubtful"))).rejects.toMatchObject(unknown);
      await say("");
      await harness.crash(queue);
      const next = await harness.open();
      expect((await next.depth()).messages).toBeLessThanOrEqual(1);
    }));

  test("while a dead letter goes back to the queue does not lose it", () =>
    onFaultyDisk(async (harness, say) => {
      const queue = await open(harness);
      await queue.dead.put(message("letter"), "no good");
      const [letter] = await queue.dead.list(1);
      await say("fail");
      await expect(queue.dead.replay(letter!.id)).rejects.toMatchObject(unknown);
      await say("");
      await eventually(() => queue.publish(message("after")));
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 8 });
      await eventually(async () => {
        await queue.dead.replay((await queue.dead.list(1))[0]?.id ?? "0");
        expect(inbox.texts).toContain("letter");
      });
    }));

  test("while an outcome is written carries it out once", () =>
    onFaultyDisk(async (harness, say) => {
      const queue = await open(harness);
      const inbox = new Inbox(async () => {
        await say("fail");
        return dead;
      });
      await queue.publish(message("poison"));
      await queue.consume(inbox.handle, { prefetch: 1 });
      await inbox.arrived(1);
      await eventually(() => expect(queue.trouble).not.toBeNull());
      await say("");
      await eventually(async () =>
        expect(await queue.depth()).toMatchObject({ messages: 0, dead: 1 }),
      );
      expect(inbox.texts).toEqual(["poison"]);
    }));
});

describe("a sync that hangs", () => {
  test("is told in time as not known; what comes meanwhile is refused at once and never delivered", () =>
    onFaultyDisk(async (harness, say) => {
      const queue = await open(harness, 2_000);
      await queue.publish(message("before"));
      await say("hang");
      const first = queue.publish(message("hanging"));
      await eventually(() => access(join(harness.folder, "fault.hangs")));
      // Handed over while the thread hangs: when it is read, nobody waits for it any more.
      const second = queue.publish(message("too late"));
      await expect(first).rejects.toMatchObject(unknown);
      await expect(second).rejects.toMatchObject(unknown);
      expect(queue.trouble).toBe("the disk does not answer");
      await expect(queue.publish(message("meanwhile"))).rejects.toMatchObject(unavailable);
      await expect(queue.depth()).rejects.toMatchObject(unavailable);
      await say("");
      await eventually(() => expect(queue.trouble).toBeNull());
      await queue.publish(message("after"));
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 8 });
      await eventually(() => expect(inbox.texts).toContain("after"));
      expect(inbox.texts).toEqual(["before", "hanging", "after"]);
      expect(harness.logged.slice(0, 2)).toEqual([
        "error: queue's disk does not answer, events are refused",
        "info: queue's disk answers again",
      ]);
    }));
});
