import { decodeBatch, encodeBatch, isMalformedBatch } from "../../../lib/event/batch-message.ts";

function errorOf(message: object): unknown {
  try {
    return decodeBatch(Buffer.from(JSON.stringify(message)));
  } catch (error) {
    return error;
  }
}

const whole = { batch: "b", project: "p", events: [{ id: "a" }] };

test("a message reads back as it was written, with and without its version", () => {
  const body = encodeBatch("b", "p", [Buffer.from('{"id":"a"}')]);
  expect(decodeBatch(body)).toEqual(whole);
  expect(errorOf({ ...whole, v: 1 })).toMatchObject(whole);
});

test("a message of a newer version may be tried again, what is no batch may not", () => {
  const newer = errorOf({ v: 2, lot: "b" });
  expect(newer).toMatchObject({ message: expect.stringMatching(/newer version/) as string });
  expect(isMalformedBatch(newer)).toBe(false);
  for (const bad of [[], {}, { ...whole, batch: "" }, { ...whole, events: {} }]) {
    expect(isMalformedBatch(errorOf(bad))).toBe(true);
  }
});
