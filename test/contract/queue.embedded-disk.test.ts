import { execFileSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedHarness } from "../fixtures/embedded-queue.ts";
import { eventually } from "../support/eventually.ts";
import { Inbox, message } from "./queue-harness.ts";

const MiB = 1024 * 1024;

/** Run a test on a file system of a few MB, made for it. */
async function onSmallDisk(test: (harness: EmbeddedHarness) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "queue-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", folder]);
  const harness = new EmbeddedHarness(folder, {});
  try {
    await test(harness);
  } finally {
    await harness.close();
    execFileSync("umount", [folder]);
    await rm(folder, { recursive: true });
  }
}

const asRoot = process.getuid?.() === 0 && process.platform === "linux" ? test : test.skip;
const unavailable = { type: "QUEUE_UNAVAILABLE" };

describe("on a full disk (skipped where this user may not mount a file system)", () => {
  asRoot("what was confirmed is delivered, the rest is refused, and room made is used", () =>
    onSmallDisk(async (harness) => {
      const queue = await harness.open();
      const confirmed: string[] = [];
      const untilFull = async () => {
        for (let index = 0; index < 1_000; index += 1) {
          const text = `${index} `.repeat(10_000);
          await queue.publish(message(text));
          confirmed.push(text);
        }
      };
      await expect(untilFull()).rejects.toMatchObject(unavailable);
      expect(confirmed.length).toBeGreaterThan(20);
      expect((await queue.depth()).messages).toBe(confirmed.length);
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 4 });
      await inbox.arrived(confirmed.length);
      expect(new Set(inbox.texts)).toEqual(new Set(confirmed));
      await eventually(() => queue.publish(message("there is room")));
      await eventually(() => expect(inbox.texts).toContain("there is room"));
      // Writing its log back can make room by itself within a second, and then the disk is full twice.
      const times = Math.max(1, Math.floor(harness.logged.length / 2));
      expect(harness.logged).toEqual(
        Array.from({ length: times }, () => [
          "error: queue cannot be written, events are refused",
          "info: queue can be written again",
        ]).flat(),
      );
    }),
  );

  asRoot("concurrent publishes are refused together, and nothing of them is kept", () =>
    onSmallDisk(async (harness) => {
      const queue = await harness.open();
      await queue.publish(message("before"));
      await fill(harness.folder);
      const results = await Promise.allSettled(
        Array.from({ length: 64 }, () => queue.publish(message("x".repeat(100_000)))),
      );
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: unavailable });
      }
      await expect(queue.publish(message("x".repeat(4 * MiB)))).rejects.toMatchObject(unavailable);
      await expect(queue.ping()).rejects.toMatchObject(unavailable);
      expect(await queue.depth()).toMatchObject({ messages: 1 });
      await rm(join(harness.folder, "ballast"));
      await eventually(() => queue.publish(message("after")));
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 1 });
      await inbox.arrived(2);
      expect(inbox.texts).toEqual(["before", "after"]);
    }),
  );

  asRoot("it opens, refuses, and works once there is room", () =>
    onSmallDisk(async (harness) => {
      await fill(harness.folder);
      const queue = await harness.open();
      await expect(queue.publish(message("during"))).rejects.toMatchObject(unavailable);
      await rm(join(harness.folder, "ballast"));
      await eventually(() => queue.ping());
      await queue.publish(message("after"));
      expect(await queue.depth()).toMatchObject({ messages: 1 });
    }),
  );

  asRoot("it opens with what waits there, and works that off without any room being made", () =>
    onSmallDisk(async (harness) => {
      const first = await harness.open();
      for (let index = 0; index < 20; index += 1) await first.publish(message(`${index}`));
      await harness.crash(first);
      await fill(harness.folder);
      const queue = await harness.open();
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 4 });
      await inbox.arrived(20);
      await eventually(async () => expect((await queue.depth()).messages).toBe(0));
      expect(new Set(inbox.texts).size).toBe(20);
    }),
  );
});

/** Use up what is left of a file system. */
async function fill(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  await writeFile(join(folder, "ballast"), Buffer.alloc(bavail * bsize));
  expect((await statfs(folder)).bavail).toBe(0);
}
