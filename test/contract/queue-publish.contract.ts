import fc from "fast-check";
import { eventually } from "../support/eventually.ts";
import { Inbox, message, textOf, type QueueTraits } from "./queue-harness.ts";
import type { OnQueue } from "./queue.contract.ts";

const KiB = 1024;

/** `publish`. */
export function publishContract(onQueue: OnQueue, traits: QueueTraits): void {
  describe("publish", () => {
    test(
      "keeps a message that no crash loses any more",
      onQueue(async (queue, harness) => {
        await queue.publish(message("kept", 123_456));
        await harness.crash(queue);
        const inbox = new Inbox();
        await (await harness.open()).consume(inbox.handle, { prefetch: 1 });
        const [delivery] = await inbox.arrived(1);
        expect(textOf(delivery!)).toBe("kept");
        expect(delivery!.receivedAt).toBe(123_456);
      }),
    );

    test(
      "keeps each of many concurrent messages once",
      onQueue(async (queue) => {
        const texts = Array.from({ length: 300 }, (_, index) => `message ${index}`);
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 10 });
        await Promise.all(texts.map((text) => queue.publish(message(text))));
        await inbox.arrived(texts.length);
        await eventually(async () => expect((await queue.depth()).messages).toBe(0));
        expect(inbox.texts.sort()).toEqual(texts.sort());
      }),
    );

    test(
      "carries any bytes and leaves the caller's as they were",
      onQueue(async (queue) => {
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 4 });
        const body = fc.uint8Array({ maxLength: 5_000 });
        await fc.assert(
          fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 8 }), async (bodies) => {
            inbox.deliveries.length = 0;
            // Pieces of one piece of memory, as Node's pooled buffers are.
            const pooled = Buffer.concat(bodies);
            let offset = 0;
            const views = bodies.map(({ length }) => pooled.subarray(offset, (offset += length)));
            await Promise.all(views.map((view) => queue.publish({ body: view, receivedAt: 1 })));
            const received = await inbox.arrived(bodies.length);
            const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
            expect(received.map((delivery) => hex(delivery.body)).sort()).toEqual(
              bodies.map(hex).sort(),
            );
            expect(hex(pooled)).toBe(hex(Buffer.concat(bodies)));
          }),
          { numRuns: 20 },
        );
      }),
    );

    test(
      "carries empty bodies, several at once",
      onQueue(async (queue) => {
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 3 });
        const body = new Uint8Array(0);
        await queue.publish({ body, receivedAt: 0 });
        await inbox.arrived(1);
        await Promise.all([1, 2, 3].map((receivedAt) => queue.publish({ body, receivedAt })));
        const deliveries = await inbox.arrived(4);
        expect(deliveries.map((delivery) => delivery.body.byteLength)).toEqual([0, 0, 0, 0]);
      }),
    );

    test(
      "carries a megabyte",
      onQueue(async (queue) => {
        const body = new Uint8Array(KiB * KiB).map((_, index) => (index * 31) % 251);
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 1 });
        await queue.publish({ body, receivedAt: 1 });
        const [delivery] = await inbox.arrived(1);
        expect(Buffer.compare(delivery!.body, body)).toBe(0);
      }),
    );

    test(
      "throws QUEUE_FULL when the bound is reached, keeps what it confirmed, and takes more once there is room",
      onQueue(
        async (queue) => {
          const body = new Uint8Array(10 * KiB);
          let confirmed = 0;
          const untilFull = async () => {
            for (; confirmed < 1_000; confirmed += 1) await queue.publish({ body, receivedAt: 1 });
          };
          await expect(untilFull()).rejects.toMatchObject({ type: "QUEUE_FULL" });
          expect(confirmed).toBeGreaterThan(0);
          if (traits.exactSizes) expect(confirmed).toBe(9);
          const inbox = new Inbox();
          const consumer = await queue.consume(inbox.handle, { prefetch: 1 });
          await inbox.arrived(confirmed);
          await eventually(() => queue.publish(message("there is room")));
          await eventually(() => expect(inbox.texts).toContain("there is room"));
          await consumer.stop();
        },
        { maxBytes: 100 * KiB },
      ),
    );

    const breaking = "throws QUEUE_UNAVAILABLE while it cannot be made durable, then works again";
    if (traits.cannotBreak !== undefined) {
      test.skip(`${breaking}: ${traits.cannotBreak}`, () => undefined);
      return;
    }
    test(
      breaking,
      onQueue(async (queue, harness) => {
        await queue.publish(message("before"));
        const mend = await harness.breakIt();
        await eventually(() =>
          expect(queue.publish(message("during"))).rejects.toMatchObject({
            type: "QUEUE_UNAVAILABLE",
          }),
        );
        await mend();
        await eventually(() => queue.publish(message("after")));
        const inbox = new Inbox();
        await queue.consume(inbox.handle, { prefetch: 1 });
        await eventually(() =>
          expect(inbox.texts).toEqual(expect.arrayContaining(["before", "after"])),
        );
      }),
    );
  });
}
