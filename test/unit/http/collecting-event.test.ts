import { errorType } from "../../../lib/errors.ts";
import { eventFormOf, readEvent, type ItemReading } from "../../../lib/http/collecting.ts";

const read = (body: string, headers: Readonly<Record<string, string>>): ItemReading =>
  readEvent(Buffer.from(body), headers, eventFormOf(headers));

function refusal(body: string, type: string): string {
  try {
    return read(body, { "content-type": type }).status;
  } catch (error) {
    return errorType(error);
  }
}

const cloudEvent = {
  specversion: "1.0",
  id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
  source: "/s",
  type: "t",
};
const cloudHeaders = {
  "ce-specversion": "1.0",
  "ce-id": "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
  "ce-source": "/s",
  "ce-type": "t",
};
const input = { id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071", source: "/s", type: "t" };

test("JSON is the event", () => {
  expect(
    read('{"type":"a","__proto__":1}', { "content-type": "application/json; charset=utf-8" }),
  ).toEqual({
    status: "read",
    input: JSON.parse('{"type":"a","__proto__":1}') as unknown,
  });
});

test("a CloudEvent is read in structured and in binary mode", () => {
  const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };
  expect(read(JSON.stringify({ ...cloudEvent, data: 1 }), structured)).toEqual({
    status: "read",
    input: { ...input, data: 1 },
  });
  expect(read(JSON.stringify(cloudEvent), { ...structured, ...cloudHeaders })).toEqual({
    status: "read",
    input,
  });
  expect(read("1", { ...cloudHeaders, "content-type": "application/json" })).toEqual({
    status: "read",
    input: { ...input, data: 1 },
  });
  expect(read("", cloudHeaders)).toEqual({ status: "read", input });
});

test("what breaks the rules of CloudEvents is rejected as the event", () => {
  expect(read("{}", { "content-type": "application/cloudevents+json" })).toMatchObject({
    status: "rejected",
    error: { type: "/problems/invalid-event", errors: { length: 4 } },
  });
  expect(read("1", { ...cloudHeaders, "ce-specversion": "0.3" })).toMatchObject({
    status: "rejected",
  });
});

test.each([
  ["1e400", { "content-type": "application/json" }, "out_of_range"],
  ["[".repeat(100_000) + "]".repeat(100_000), { "content-type": "application/json" }, "too_deep"],
  ["[".repeat(100_000) + "]".repeat(100_000), cloudHeaders, "too_deep"],
])("what cannot be sent on unchanged is rejected (%#)", (body, headers, code) => {
  expect(read(body, headers)).toMatchObject({ status: "rejected", error: { errors: [{ code }] } });
});

test.each([
  ["", "application/json", "MALFORMED"],
  ["{", "application/json", "MALFORMED"],
  ["{}", "text/plain", "UNSUPPORTED_MEDIA_TYPE"],
  ["{}", "application/json; charset=latin1", "UNSUPPORTED_MEDIA_TYPE"],
  ["[]", "application/cloudevents-batch+json", "UNSUPPORTED_MEDIA_TYPE"],
  ["[]", "application/cloudevents+avro", "UNSUPPORTED_MEDIA_TYPE"],
])("%j as %s is refused: %s", (body, type, error) => {
  expect(refusal(body, type)).toBe(error);
});
