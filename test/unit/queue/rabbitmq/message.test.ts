import type { Message } from "amqplib";
import fc from "fast-check";
import {
  bodyOf,
  deadAtOnce,
  deadLetter,
  firstAttempt,
  idOf,
  nextAttempt,
  attemptOf,
  receivedAtOf,
  toDeadLetter,
} from "../../../../lib/queue/rabbitmq/message.ts";
import type { Parcel } from "../../../../lib/queue/rabbitmq/publisher.ts";

const arrived = ({ id, body, headers }: Parcel) =>
  ({ properties: { messageId: id, headers }, content: Buffer.from(body) }) as unknown as Message;

test("id, body and time survive any number of attempts; the attempt counts them", () => {
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.nat(),
      fc.nat({ max: 6 }),
      fc.string(),
      (body, receivedAt, retries, reason) => {
        let message = arrived(firstAttempt({ body, receivedAt }, "id"));
        for (let done = 0; done < retries; done++) message = arrived(nextAttempt(message, reason));
        expect(attemptOf(message)).toBe(retries + 1);
        expect(receivedAtOf(message)).toBe(receivedAt);
        expect(idOf(message)).toBe("id");
        expect(bodyOf(message)).toEqual(body);
        expect(toDeadLetter(arrived(deadLetter(message, reason, 5)))).toEqual({
          id: "id",
          body,
          receivedAt,
          reason,
          attempts: retries + 1,
          diedAt: 5,
        });
      },
    ),
  );
});

test("a reason is cut, since headers must fit into one frame", () => {
  const first = arrived(firstAttempt({ body: new Uint8Array(), receivedAt: 1 }));
  const reason = "x".repeat(200_000);
  for (const parcel of [
    nextAttempt(first, reason),
    deadLetter(first, reason, 5),
    deadAtOnce({ body: new Uint8Array(), receivedAt: 1 }, reason, 5),
  ]) {
    expect(String(parcel.headers["reason"]).length).toBe(1_000);
  }
});

test("first attempts have ids of their own", () => {
  const message = { body: new Uint8Array(), receivedAt: 1 };
  expect(firstAttempt(message).id).not.toBe(firstAttempt(message).id);
});

test("a dead letter that was never delivered has no attempts", () => {
  const parcel = deadAtOnce({ body: new Uint8Array([1]), receivedAt: 3 }, "no good", 7);
  expect(toDeadLetter(arrived(parcel))).toMatchObject({ attempts: 0, diedAt: 7, receivedAt: 3 });
});

test("a body owns its memory", () => {
  const message = arrived(firstAttempt({ body: new Uint8Array([1, 2]), receivedAt: 1 }));
  const body = bodyOf(message);
  expect(body.buffer.byteLength).toBe(2);
  message.content[0] = 9;
  expect(body[0]).toBe(1);
});

test("what the broker itself gave up says so", () => {
  const message = arrived(firstAttempt({ body: new Uint8Array(), receivedAt: 3 }));
  message.properties.headers!["x-death"] = [
    { reason: "delivery_limit", time: { "!": "timestamp", value: 1_700_000_000 }, count: 1 },
  ] as never;
  expect(toDeadLetter(message)).toMatchObject({
    reason: "the broker gave it up: delivery_limit",
    diedAt: 1_700_000_000_000,
    attempts: 1,
    receivedAt: 3,
  });
});

test("a message of somebody else's is told apart by its content", () => {
  const foreign = (text: string) =>
    ({ properties: {}, content: Buffer.from(text) }) as unknown as Message;
  expect(idOf(foreign("a"))).not.toBe(idOf(foreign("b")));
  expect(toDeadLetter(foreign("a"))).toMatchObject({ attempts: 1, diedAt: 0, receivedAt: 0 });
});
