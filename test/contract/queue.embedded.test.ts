import { jest } from "@jest/globals";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { readConfig } from "../../lib/config.ts";
import { QueueFile } from "../../lib/queue/embedded/file.ts";
import { silent } from "../../lib/log.ts";
import { openQueue } from "../../lib/queue/open.ts";
import { eventually } from "../support/eventually.ts";
import { EmbeddedHarness } from "../fixtures/embedded-queue.ts";
import { done, Inbox, message, textOf, type QueueHarnessOptions } from "./queue-harness.ts";
import { queueContract } from "./queue.contract.ts";

queueContract("the embedded queue", (options) => EmbeddedHarness.open(options), {
  exactSizes: true,
});

const onQueue =
  (test: (harness: EmbeddedHarness) => Promise<void>, options: QueueHarnessOptions = {}) =>
  async () => {
    const harness = await EmbeddedHarness.open(options);
    try {
      await test(harness);
    } finally {
      await harness.dispose();
    }
  };

const unavailable = { type: "QUEUE_UNAVAILABLE" };
const troubleAndRecovery = [
  "error: queue cannot be written, events are refused",
  "info: queue can be written again",
];

describe("the file of the embedded queue", () => {
  test(
    "holds nothing of acknowledged messages any more once it was asked to let go of them",
    onQueue(async (harness) => {
      const queue = await harness.open();
      const inbox = new Inbox(() => done);
      await queue.consume(inbox.handle, { prefetch: 1 });
      for (let i = 0; i < 5; i++) await queue.publish(message("secret ".repeat(5_000)));
      await inbox.arrived(5);
      await eventually(async () => expect((await queue.depth()).messages).toBe(0));
      const left = async () => {
        const files = await Promise.all(
          [harness.file, `${harness.file}-wal`].map((f) => readFile(f)),
        );
        return files.some((bytes) => bytes.includes("secret"));
      };
      expect(await left()).toBe(true);
      await queue.forgetAcknowledged();
      await eventually(async () => expect(await left()).toBe(false));
    }),
  );

  test.each([
    ["wait when it is asked, and are acknowledged later", 5_000],
    ["share a page with others, and are acknowledged later", 40],
    ["somebody reads meanwhile", 5_000],
  ])("lets go of messages that %s", async (which, times) => {
    const harness = await EmbeddedHarness.open();
    await mkdir(dirname(harness.file), { recursive: true });
    const file = new QueueFile(harness.file);
    const other = new DatabaseSync(harness.file, { readOnly: true });
    const clock = jest.spyOn(performance, "now");
    let now = 0;
    clock.mockImplementation(() => now);
    const isLeft = async () => {
      const files = await Promise.all(
        [harness.file, `${harness.file}-wal`].map((name) => readFile(name)),
      );
      return files.some((bytes) => bytes.includes("secret"));
    };
    const tick = () => {
      while (file.shrink(false));
      now += 1_000;
    };
    try {
      const body = Buffer.from("secret ".repeat(times));
      file.transaction(() => file.insert(1, 0, body));
      if (which === "somebody reads meanwhile") {
        other.exec("BEGIN");
        other.prepare("SELECT count(*) FROM messages").get();
        file.transaction(() => file.remove(1, body.length));
      }
      file.giveAllBack();
      file.transaction(() => file.insert(2, 0, Buffer.from("later")));
      for (let n = 0; n < 120; n++) tick();
      expect(await isLeft()).toBe(true);
      if (other.isTransaction) other.exec("COMMIT");
      else file.transaction(() => file.remove(1, body.length));
      for (let n = 0; n < 3; n++) tick();
      expect(await isLeft()).toBe(false);
    } finally {
      clock.mockRestore();
      other.close();
      file.close();
      await harness.dispose();
    }
  });

  test(
    "may be in a folder that cannot be written yet: it opens, refuses, and works as soon as it can",
    onQueue(async (harness) => {
      const mend = await harness.breakIt();
      const queue = await harness.open();
      await expect(queue.ping()).rejects.toMatchObject(unavailable);
      await expect(queue.publish(message("during"))).rejects.toMatchObject(unavailable);
      await expect(queue.depth()).rejects.toMatchObject(unavailable);
      await expect(queue.dead.put(message("during"), "no good")).rejects.toMatchObject(unavailable);
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 1 });
      await mend();
      await eventually(() => queue.ping());
      await queue.publish(message("after"));
      await inbox.arrived(1);
      expect(inbox.texts).toEqual(["after"]);
      expect(harness.logged).toEqual(troubleAndRecovery);
    }),
  );

  test(
    "that is taken away is noticed before the next message would be lost in it",
    onQueue(async (harness) => {
      const queue = await harness.open();
      await queue.publish(message("before"));
      await rm(dirname(harness.file), { recursive: true });
      await expect(queue.publish(message("lost"))).rejects.toMatchObject(unavailable);
      await eventually(() => queue.publish(message("after")));
      await eventually(() => queue.ping());
      await harness.crash(queue);
      const inbox = new Inbox();
      await (await harness.open()).consume(inbox.handle, { prefetch: 1 });
      await inbox.arrived(1);
      expect(inbox.texts).toEqual(["after"]);
    }),
  );

  test(
    "is synced at each commit: what no killed process shows, a power cut would",
    onQueue(async (harness) => {
      await mkdir(dirname(harness.file));
      const file = new QueueFile(harness.file);
      const settings = ["journal_mode", "synchronous", "auto_vacuum", "mmap_size"].map((name) =>
        Object.values(file.db.prepare(`PRAGMA ${name}`).get() ?? {}).join(),
      );
      file.close();
      expect(settings).toEqual(["wal", "2", "2", "0"]);
    }),
  );

  test(
    "is not harmed by a message without an instant, nor are those that share its commit",
    onQueue(async (harness) => {
      const queue = await harness.open();
      const good = queue.publish(message("good"));
      for (const receivedAt of [NaN, 1.5, Infinity]) {
        await expect(queue.publish(message("bad", receivedAt))).rejects.toThrow(TypeError);
        await expect(queue.dead.put(message("bad", receivedAt), "")).rejects.toThrow(TypeError);
      }
      await good;
      expect(await queue.depth()).toMatchObject({ messages: 1, dead: 0 });
    }),
  );

  test(
    "of a newer version is refused by name and left as it is",
    onQueue(async (harness) => {
      await (await harness.open()).close();
      const db = new DatabaseSync(harness.file);
      db.exec("PRAGMA user_version = 99");
      db.close();
      await expect(harness.open()).rejects.toThrow(/queue\.sqlite was written by a newer version/);
    }),
  );

  test(
    "that is no database is reported, not overwritten",
    onQueue(async (harness) => {
      await mkdir(dirname(harness.file), { recursive: true });
      await writeFile(harness.file, "precious".repeat(1_000));
      const queue = await harness.open();
      await expect(queue.publish(message("refused"))).rejects.toMatchObject(unavailable);
      expect(harness.logged).toEqual(troubleAndRecovery.slice(0, 1));
      expect(await readFile(harness.file, "utf8")).toBe("precious".repeat(1_000));
    }),
  );

  test.each([3_600_000, 86_400_000])(
    "delivers a retry that was written by a clock %d ms ahead, within the longest delay",
    async (aheadMs) =>
      onQueue(
        async (harness) => {
          const first = await harness.open();
          await first.publish(message("delayed"));
          const failing = new Inbox(() => ({ status: "retry", reason: "not yet" }));
          await first.consume(failing.handle, { prefetch: 1 });
          await failing.arrived(1);
          await first.close();
          const db = new DatabaseSync(harness.file);
          const { changes } = db
            .prepare("UPDATE messages SET attempt = 2, due_at = ?")
            .run(Date.now() + aheadMs);
          expect(changes).toBe(1);
          db.close();
          const inbox = new Inbox();
          await (await harness.open()).consume(inbox.handle, { prefetch: 1 });
          expect((await inbox.arrived(1))[0]).toMatchObject({ attempt: 2, redelivered: true });
        },
        { retryDelaysMs: [200, 200] },
      )(),
  );

  test(
    "shrinks after a backlog was worked off",
    onQueue(async (harness) => {
      const queue = await harness.open();
      const body = new Uint8Array(500_000);
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(Array.from({ length: 10 }, () => queue.publish({ body, receivedAt: 1 })));
      }
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 10 });
      await inbox.arrived(100);
      await eventually(async () => expect((await stat(harness.file)).size).toBeLessThan(3_000_000));
      await queue.publish(message("after"));
      await inbox.arrived(101);
    }),
  );

  test(
    "delivers no more large messages at a time than its bytes allow",
    onQueue(async (harness) => {
      const queue = await harness.open();
      const body = new Uint8Array(500_000);
      const published = Array.from({ length: 60 }, () => queue.publish({ body, receivedAt: 1 }));
      await Promise.all(published);
      let [underWay, most] = [0, 0];
      const inbox = new Inbox(async () => {
        most = Math.max(most, (underWay += 1));
        await delay(50);
        underWay -= 1;
        return done;
      });
      await queue.consume(inbox.handle, { prefetch: 60 });
      await inbox.arrived(60);
      expect(most).toBeLessThanOrEqual(32);
    }),
  );
});

test(
  "without RABBITMQ_URL the embedded queue is opened, where and as large as the configuration says",
  onQueue(async (harness) => {
    const config = readConfig({ DATA_DIR: harness.folder, QUEUE_MAX_BYTES: "9999999" });
    const queue = await openQueue(config, silent);
    await queue.publish(message("kept"));
    expect((await queue.depth()).maxBytes).toBe(9_999_999);
    await queue.close();
    expect((await stat(config.files.queue)).size).toBeGreaterThan(0);
  }),
);

describe("the thread of the embedded queue", () => {
  test(
    "that dies fails what waits, is started again, and delivers what was out once more",
    onQueue(async (harness) => {
      const queue = await harness.open();
      let stuck = true;
      const inbox = new Inbox(() => (stuck ? new Promise(() => undefined) : done));
      await queue.consume(inbox.handle, { prefetch: 2 });
      await queue.publish(message("out"));
      await inbox.arrived(1);
      const waiting = Promise.allSettled([queue.publish(message("waiting")), queue.depth()]);
      await harness.endThread();
      const [published, settled] = await waiting;
      // The dead thread may have committed it.
      expect(published).toMatchObject({ status: "rejected", reason: { type: "OUTCOME_UNKNOWN" } });
      expect(settled).toMatchObject({ status: "rejected", reason: unavailable });
      await expect(queue.publish(message("meanwhile"))).rejects.toMatchObject(unavailable);
      stuck = false;
      await eventually(() => queue.publish(message("after")));
      await eventually(() => expect(inbox.texts).toEqual(expect.arrayContaining(["out", "after"])));
      const again = inbox.deliveries.filter((delivery) => textOf(delivery) === "out");
      expect(again[1]).toMatchObject({ attempt: 1, redelivered: true });
      await eventually(() => queue.ping());
      expect(harness.logged).toEqual(troubleAndRecovery);
    }),
  );

  test(
    "keeps memory flat while everything is refused, and while a backlog waits",
    onQueue(
      async (harness) => {
        const queue = await harness.open();
        const body = new Uint8Array(20_000);
        const publishMany = (count: number) =>
          Promise.allSettled(
            Array.from({ length: count }, () => queue.publish({ body, receivedAt: 1 })),
          );
        const settled = () => {
          globalThis.gc?.();
          return process.memoryUsage.rss();
        };
        for (let round = 0; round < 20; round += 1) await publishMany(100);
        const before = settled();
        for (let round = 0; round < 200; round += 1) {
          const results = await publishMany(100);
          if (round > 50) expect(results.every(({ status }) => status === "rejected")).toBe(true);
        }
        // 400 MB were offered since.
        expect((settled() - before) / 2 ** 20).toBeLessThan(100);
        const { messages, sizeBytes } = await queue.depth();
        expect(sizeBytes).toBeLessThanOrEqual(60_000_000);
        expect(messages).toBeGreaterThan(2_900);
      },
      { maxBytes: 60_000_000 },
    ),
  );
});
