import {
  decodeBatch,
  encodeBatch,
  isMalformedBatch,
  storyOf,
} from "../../../lib/event/batch-message.ts";

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

test("a message tells which requests it carries, and is read without it, as older ones are", () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const story = { requestIds: ["r1", "r2"], traceparent };
  const told = encodeBatch("b", "p", [Buffer.from('{"id":",\\"events\\":["}')], story);
  expect(storyOf(told)).toEqual(story);
  expect(decodeBatch(told)).toMatchObject({ batch: "b", project: "p" });
  const older = Buffer.from('{"batch":"b","project":"p","events":[{"id":"a"}]}');
  expect(storyOf(older)).toEqual({});
  expect(decodeBatch(older)).toEqual(whole);
  for (const none of ["", "{", '{"batch",,"events":[', "[]"]) {
    expect(storyOf(Buffer.from(none))).toEqual({});
  }
});
