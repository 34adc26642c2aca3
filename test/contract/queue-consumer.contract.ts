import { maxHandledBytes, type DurableQueue } from "../../lib/queue/queue.ts";
import { eventually } from "../support/eventually.ts";
import { done, Inbox, latch, message } from "./queue-harness.ts";
import type { OnQueue } from "./queue.contract.ts";

/** `consume` and what it returns. */
export function consumerContract(onQueue: OnQueue): void {
  describe("consume", () => {
    test(
      "delivers oldest first, each as a first attempt that nobody had before",
      onQueue(async (queue) => {
        const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
        for (const [index, text] of texts.entries()) await queue.publish(message(text, index));
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 1 });
        const deliveries = await inbox.arrived(texts.length);
        expect(inbox.texts).toEqual(texts);
        for (const [index, { receivedAt, attempt, redelivered }] of deliveries.entries()) {
          expect({ receivedAt, attempt, redelivered }).toEqual({
            receivedAt: index,
            attempt: 1,
            redelivered: false,
          });
        }
      }),
    );

    test(
      "delivers what is published while it consumes, in that order too",
      onQueue(async (queue) => {
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 1 });
        const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
        for (const text of texts) await queue.publish(message(text));
        await inbox.arrived(texts.length);
        expect(inbox.texts).toEqual(texts);
      }),
    );

    test(
      "runs as many handlers as `prefetch` says, and never more",
      onQueue(async (queue) => {
        let running = 0;
        let most = 0;
        const gate = latch();
        const inbox = new Inbox(async () => {
          running += 1;
          most = Math.max(most, running);
          await gate.opened;
          running -= 1;
          return done;
        });
        await queue.consume(inbox.handle, { prefetch: 3 });
        await Promise.all(
          Array.from({ length: 30 }, (_, index) => queue.publish(message(`message ${index}`))),
        );
        await inbox.arrived(3);
        gate.open();
        await inbox.arrived(30);
        expect(most).toBe(3);
      }),
    );

    test(
      "begins no further message while bodies of 8 MiB are being handled",
      onQueue(async (queue, harness) => {
        const texts = Array.from({ length: 8 }, (_, index) => `${index}`.padEnd(3 * 1_048_576));
        for (const text of texts) await queue.publish(message(text));
        let bytes = 0;
        const most: number[] = [];
        const gate = latch();
        const inbox = new Inbox(async ({ body }) => {
          bytes += body.byteLength;
          most.push(bytes);
          await gate.opened;
          bytes -= body.byteLength;
          return done;
        });
        // A file that was opened anew has nothing in memory.
        await queue.close();
        const again = await harness.open();
        await again.consume(inbox.handle, { prefetch: 8 });
        await inbox.arrived(3);
        gate.open();
        await inbox.arrived(8);
        expect(Math.max(...most)).toBeLessThan(maxHandledBytes + texts[0]!.length);
      }),
    );

    test(
      "delivers again, and says so, what a crash met in a handler",
      onQueue(async (queue, harness) => {
        await queue.publish(message("interrupted"));
        const busy = new Inbox(() => new Promise(() => undefined));
        await queue.consume(busy.handle, { prefetch: 1 });
        await busy.arrived(1);
        await harness.crash(queue);
        const inbox = new Inbox();
        await (await harness.open()).consume(inbox.handle, { prefetch: 1 });
        const [delivery] = await inbox.arrived(1);
        expect(inbox.texts).toEqual(["interrupted"]);
        expect(delivery).toMatchObject({ attempt: 1, redelivered: true });
      }),
    );

    test(
      "has one consumer at a time",
      onQueue(async (queue) => {
        const first = await queue.consume(new Inbox().handle, { prefetch: 1 });
        await expect(queue.consume(new Inbox().handle, { prefetch: 1 })).rejects.toThrow();
        await first.stop();
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 1 });
        await queue.publish(message("for the second"));
        await inbox.arrived(1);
      }),
    );
  });

  describe("a consumer", () => {
    test(
      "delivers nothing while it is paused, lets handlers end, and goes on when resumed",
      onQueue(async (queue) => {
        const gate = latch();
        const inbox = new Inbox(async () => {
          await gate.opened;
          return done;
        });
        const consumer = await queue.consume(inbox.handle, { prefetch: 1 });
        await queue.publish(message("first"));
        await inbox.arrived(1);
        await queue.publish(message("second"));
        consumer.pause();
        gate.open();
        // The first one's outcome is carried out: that is when the second would have come.
        await eventually(async () => expect((await queue.depth()).messages).toBe(1));
        await queue.publish(message("third"));
        await queue.depth();
        expect(inbox.texts).toEqual(["first"]);
        consumer.resume();
        await inbox.arrived(3);
        expect(inbox.texts).toEqual(["first", "second", "third"]);
      }),
    );

    test(
      "hands nothing out that was on its way when it was paused",
      onQueue(async (queue) => {
        const { consumer, inbox } = await pausedByItsFirst(queue);
        await queue.publish(message("last"));
        await queue.depth();
        expect(inbox.deliveries).toHaveLength(1);
        consumer.resume();
        await inbox.arrived(21);
        expect(new Set(inbox.texts).size).toBe(21);
      }),
    );

    test(
      "stops when its handlers have ended and their outcomes are carried out",
      onQueue(async (queue, harness) => {
        const gate = latch();
        const inbox = new Inbox(async () => {
          await gate.opened;
          return done;
        });
        const consumer = await queue.consume(inbox.handle, { prefetch: 2 });
        for (const text of ["a", "b", "c", "d"]) await queue.publish(message(text));
        await inbox.arrived(2);
        let stopped = false;
        const stopping = consumer.stop().then(() => (stopped = true));
        await queue.depth();
        expect(stopped).toBe(false);
        gate.open();
        await stopping;
        expect(inbox.texts).toEqual(["a", "b"]);
        await harness.crash(queue);
        const reopened = await harness.open();
        await eventually(async () => expect((await reopened.depth()).messages).toBe(2));
        const rest = new Inbox();
        await reopened.consume(rest.handle, { prefetch: 2 });
        await rest.arrived(2);
        expect(rest.texts).toEqual(["c", "d"]);
        await consumer.stop();
      }),
    );

    test(
      "that stops gives back what it had not begun",
      onQueue(async (queue) => {
        const { consumer, inbox: first } = await pausedByItsFirst(queue);
        await consumer.stop();
        const second = new Inbox();
        await queue.consume(second.handle, { prefetch: 10 });
        await eventually(() => expect(new Set([...first.texts, ...second.texts]).size).toBe(20));
        await eventually(async () => expect((await queue.depth()).messages).toBe(0));
        expect(first.deliveries.length + second.deliveries.length).toBe(20);
      }),
    );
  });
}

/** A consumer that was paused in the first of its handlers, with more deliveries on their way: 20 messages in all. */
async function pausedByItsFirst(queue: DurableQueue) {
  const inbox: Inbox = new Inbox(() => {
    if (inbox.deliveries.length === 1) consumer.pause();
    return done;
  });
  const consumer = await queue.consume(inbox.handle, { prefetch: 10 });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => queue.publish(message(`message ${index}`))),
  );
  await inbox.arrived(1);
  return { consumer, inbox };
}
