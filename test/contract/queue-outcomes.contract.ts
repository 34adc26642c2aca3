import { eventually } from "../support/eventually.ts";
import { dead, done, hold, Inbox, message, retry, textOf } from "./queue-harness.ts";
import type { OnQueue } from "./queue.contract.ts";

/** What becomes of a delivery. */
export function outcomesContract(onQueue: OnQueue): void {
  describe("an outcome", () => {
    test(
      "`done` removes the message for good",
      onQueue(async (queue, harness) => {
        await queue.publish(message("handled"));
        const inbox = new Inbox();
        const consumer = await queue.consume(inbox.handle, { prefetch: 1 });
        await inbox.arrived(1);
        await consumer.stop();
        await harness.crash(queue);
        const reopened = await harness.open();
        expect(await reopened.depth()).toMatchObject({ messages: 0, dead: 0 });
        await reopened.publish(message("marker"));
        const after = new Inbox();
        await reopened.consume(after.handle, { prefetch: 1 });
        await after.arrived(1);
        expect(after.texts).toEqual(["marker"]);
      }),
    );

    test(
      "`retry` delivers again after the delay of the attempt, while others go on",
      onQueue(
        async (queue) => {
          await queue.publish(message("delayed"));
          const at: number[] = [];
          const inbox = new Inbox((delivery) => {
            if (textOf(delivery) === "other") return done;
            at.push(Date.now());
            return delivery.attempt < 3 ? retry : done;
          });
          await queue.consume(inbox.handle, { prefetch: 1 });
          await inbox.arrived(1);
          await queue.publish(message("other"));
          const deliveries = await inbox.arrived(4);
          expect(inbox.texts).toEqual(["delayed", "other", "delayed", "delayed"]);
          const [first, , second, third] = deliveries;
          expect(first).toMatchObject({ attempt: 1, redelivered: false });
          expect(second).toMatchObject({ attempt: 2, redelivered: true });
          expect(third).toMatchObject({ attempt: 3, redelivered: true });
          expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(495);
          expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(95);
          await eventually(async () => expect((await queue.depth()).messages).toBe(0));
        },
        { retryDelaysMs: [500, 100] },
      ),
    );

    test(
      "`retry` past the last delay means `.dead`",
      onQueue(
        async (queue) => {
          await queue.publish(message("hopeless", 77));
          const inbox = new Inbox((delivery) => ({
            status: "retry",
            reason: `attempt ${delivery.attempt} failed`,
          }));
          await queue.consume(inbox.handle, { prefetch: 1 });
          const [letter] = await eventually(async () => {
            const letters = await queue.dead.list(10);
            expect(letters).toHaveLength(1);
            return letters;
          });
          expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
          expect(letter).toMatchObject({
            reason: "attempt 3 failed",
            attempts: 3,
            receivedAt: 77,
          });
          expect(textOf(letter!)).toBe("hopeless");
          await eventually(async () =>
            expect(await queue.depth()).toMatchObject({ messages: 0, dead: 1 }),
          );
        },
        { retryDelaysMs: [20, 20] },
      ),
    );

    test(
      "`retry` is remembered over a crash: the attempt counts on",
      onQueue(
        async (queue, harness) => {
          await queue.publish(message("delayed"));
          const first = new Inbox(() => retry);
          const consumer = await queue.consume(first.handle, { prefetch: 1 });
          await first.arrived(1);
          await consumer.stop();
          await harness.crash(queue);
          const reopened = await harness.open();
          const second = new Inbox();
          await reopened.consume(second.handle, { prefetch: 1 });
          const [delivery] = await second.arrived(1);
          expect(delivery).toMatchObject({ attempt: 2, redelivered: true });
        },
        { retryDelaysMs: [300] },
      ),
    );

    test(
      "of a handler that throws, or rejects, is `retry` with the error's message",
      onQueue(
        async (queue) => {
          await queue.publish(message("throws"));
          await queue.publish(message("rejects"));
          await queue.consume(
            (delivery) => {
              if (textOf(delivery) === "throws") throw new Error("thrown");
              return Promise.reject(new Error("rejected"));
            },
            { prefetch: 1 },
          );
          await eventually(async () => {
            const letters = await queue.dead.list(10);
            expect(letters.map(({ reason }) => reason)).toEqual(["thrown", "rejected"]);
          });
        },
        { retryDelaysMs: [] },
      ),
    );

    test(
      "`dead` means `.dead` at once",
      onQueue(async (queue) => {
        const before = Date.now();
        await queue.publish(message("bad", 55));
        const inbox = new Inbox(() => dead);
        await queue.consume(inbox.handle, { prefetch: 1 });
        const [letter] = await eventually(async () => {
          const letters = await queue.dead.list(10);
          expect(letters).toHaveLength(1);
          return letters;
        });
        expect(letter).toMatchObject({ reason: "no good", attempts: 1, receivedAt: 55 });
        expect(textOf(letter!)).toBe("bad");
        expect(letter!.diedAt).toBeGreaterThanOrEqual(before - 1_000);
        expect(letter!.diedAt).toBeLessThanOrEqual(Date.now() + 1_000);
        await eventually(async () =>
          expect(await queue.depth()).toMatchObject({ messages: 0, dead: 1 }),
        );
      }),
    );

    test(
      "`hold` gives back without counting an attempt, and delivers nothing until `resume`",
      onQueue(async (queue) => {
        let away = true;
        const inbox = new Inbox(() => (away ? hold : done));
        const consumer = await queue.consume(inbox.handle, { prefetch: 1 });
        await queue.publish(message("held"));
        await inbox.arrived(1);
        await queue.publish(message("next"));
        await queue.depth();
        expect(inbox.texts).toEqual(["held"]);
        await eventually(async () => expect((await queue.depth()).messages).toBe(2));
        away = false;
        consumer.resume();
        const deliveries = await inbox.arrived(3);
        expect(inbox.texts.slice(1).sort()).toEqual(["held", "next"]);
        for (const delivery of deliveries) expect(delivery.attempt).toBe(1);
        await eventually(async () =>
          expect(await queue.depth()).toMatchObject({ messages: 0, dead: 0 }),
        );
      }),
    );

    test(
      "`hold` of several at once gives all of them back",
      onQueue(async (queue) => {
        let away = true;
        const inbox = new Inbox(() => (away ? hold : done));
        for (const text of ["a", "b", "c", "d"]) await queue.publish(message(text));
        const consumer = await queue.consume(inbox.handle, { prefetch: 4 });
        await inbox.arrived(1);
        await queue.depth();
        const { length } = inbox.deliveries;
        expect(length).toBeLessThanOrEqual(4);
        away = false;
        consumer.resume();
        await inbox.arrived(length + 4);
        await eventually(async () => expect((await queue.depth()).messages).toBe(0));
        expect(inbox.texts.slice(length).sort()).toEqual(["a", "b", "c", "d"]);
      }),
    );
  });
}
