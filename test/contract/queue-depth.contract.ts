import { eventually } from "../support/eventually.ts";
import { mostDelayed } from "../../lib/queue/queue.ts";
import { Inbox, message, retry, textOf, type QueueTraits } from "./queue-harness.ts";
import type { OnQueue } from "./queue.contract.ts";

/** `depth` and `close`. */
export function depthContract(onQueue: OnQueue, traits: QueueTraits): void {
  describe("depth", () => {
    test(
      "of an empty queue is nothing",
      onQueue(
        async (queue) => {
          const { maxBytes, ...depth } = await queue.depth();
          const times = { oldestReceivedAt: null, dueSince: null };
          expect(depth).toEqual({ messages: 0, sizeBytes: 0, ...times, dead: 0 });
          if (traits.exactSizes) expect(maxBytes).toBe(123_456);
        },
        { maxBytes: 123_456 },
      ),
    );

    test(
      "counts what waits, is delayed or is being handled, and what is dead",
      onQueue(
        async (queue) => {
          await queue.publish(message("x".repeat(1_000), 3_000));
          await queue.publish(message("delayed", 1_000));
          await queue.publish(message("handled", 2_000));
          await queue.publish(message("dead", 500));
          const inbox = new Inbox((delivery) => {
            if (textOf(delivery) === "delayed") return retry;
            if (textOf(delivery) === "dead") return { status: "dead", reason: "no good" };
            return new Promise(() => undefined);
          });
          await queue.consume(inbox.handle, { prefetch: 3 });
          await inbox.arrived(4);
          await eventually(async () => {
            const depth = await queue.depth();
            const times = { oldestReceivedAt: 1_000, dueSince: 2_000 };
            expect(depth).toMatchObject({ messages: 3, ...times, dead: 1 });
            expect(depth.sizeBytes).toBeGreaterThan(0);
            if (traits.exactSizes) {
              expect(depth.sizeBytes).toBeGreaterThanOrEqual(1_014);
              expect(depth.sizeBytes).toBeLessThan(1_014 + 3 * 200);
            }
          });
        },
        { retryDelaysMs: [600_000] },
      ),
    );

    test(
      "of a message that waits for its next attempt is due from then on",
      onQueue(
        async (queue) => {
          const startedAt = Date.now();
          await queue.publish(message("delayed", 1_000));
          const tries = new Inbox(({ attempt }) =>
            attempt === 1 ? retry : new Promise(() => undefined),
          );
          await queue.consume(tries.handle, { prefetch: 1 });
          await tries.arrived(1);
          await eventually(async () =>
            expect(await queue.depth()).toMatchObject({ oldestReceivedAt: 1_000, dueSince: null }),
          );
          await tries.arrived(2);
          const { oldestReceivedAt, dueSince } = await queue.depth();
          expect(oldestReceivedAt).toBe(1_000);
          // A broker's clock has seconds.
          expect(dueSince).toBeGreaterThan(startedAt - 1_000);
        },
        { retryDelaysMs: [3_000] },
      ),
    );

    test(
      "counts many messages that wait for their next attempt as due",
      onQueue(
        async (queue) => {
          const messages = Array.from({ length: mostDelayed + 1 }, () => message("x", 1_000));
          await queue.consume(() => Promise.resolve(retry), { prefetch: 50 });
          await Promise.all(messages.map((each) => queue.publish(each)));
          await eventually(async () =>
            expect(await queue.depth()).toMatchObject({ dueSince: 1_000 }),
          );
        },
        { retryDelaysMs: [600_000] },
      ),
    );

    test(
      "is right after a crash",
      onQueue(async (queue, harness) => {
        const receivedAts = [2_000, 1_000];
        if (traits.oldestIsFirst === true) receivedAts.reverse();
        for (const receivedAt of receivedAts) await queue.publish(message("waiting", receivedAt));
        await queue.dead.put(message("lost"), "no good");
        const before = await eventually(async () => {
          const depth = await queue.depth();
          expect(depth).toMatchObject({ messages: 2, oldestReceivedAt: 1_000, dead: 1 });
          return depth;
        });
        await harness.crash(queue);
        const reopened = await harness.open();
        await eventually(async () => expect(await reopened.depth()).toEqual(before));
      }),
    );
  });

  describe("close", () => {
    test(
      "leaves what was not acknowledged for the next open",
      onQueue(async (queue, harness) => {
        await queue.publish(message("handled"));
        await queue.publish(message("waiting"));
        const busy = new Inbox(() => new Promise(() => undefined));
        await queue.consume(busy.handle, { prefetch: 1 });
        await busy.arrived(1);
        await queue.close();
        const inbox = new Inbox();
        await (await harness.open()).consume(inbox.handle, { prefetch: 2 });
        await inbox.arrived(2);
        expect(inbox.texts.sort()).toEqual(["handled", "waiting"]);
      }),
    );

    test(
      "settles what was published before, refuses what comes after, and may be called again",
      onQueue(async (queue) => {
        const before = queue.publish(message("before"));
        const closed = Promise.all([queue.close(), queue.close()]);
        await expect(queue.publish(message("after"))).rejects.toMatchObject({
          type: "QUEUE_UNAVAILABLE",
        });
        await Promise.allSettled([before]);
        await closed;
        await queue.close();
      }),
    );
  });
}
