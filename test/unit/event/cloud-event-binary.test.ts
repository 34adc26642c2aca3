import fc from "fast-check";
import {
  isBinaryCloudEvent,
  readBinaryCloudEvent,
  readCloudEvent,
  type CloudEventReading,
  type Headers,
} from "../../../lib/event/cloud-event.ts";
import { jsonValues } from "../../support/json-values.ts";

const required = {
  specversion: "1.0",
  id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
  source: "/mailer",
  type: "email.opened",
};
const requiredHeaders = Object.fromEntries(
  Object.entries(required).map(([name, value]) => [`ce-${name}`, value]),
);

function input(reading: CloudEventReading): unknown {
  return reading.status === "read" ? reading.input : reading.errors;
}

function errors(reading: CloudEventReading): readonly string[] {
  return reading.status === "rejected"
    ? reading.errors.map(({ code, pointer }) => `${code} ${pointer}`)
    : [];
}

const binary = (headers: Headers, body: string | Buffer = "") =>
  readBinaryCloudEvent({ ...requiredHeaders, ...headers }, Buffer.from(body));

describe("a CloudEvent in binary mode", () => {
  test("is told by its headers", () => {
    expect(isBinaryCloudEvent(requiredHeaders)).toBe(true);
    expect(isBinaryCloudEvent({ "ce-type": "a" })).toBe(true);
    expect(isBinaryCloudEvent({ "ce-other": "a", "content-type": "application/json" })).toBe(false);
  });

  test.each([
    ["caf%C3%A9%20%22x%22%25", 'café "x"%'],
    ["caf\u00c3\u00a9", "café"],
    ['"quoted \\" text"', 'quoted " text'],
    ["100%", "100%"],
    ["%2525", "%25"],
    ["%F0%9F%98%80", "\u{1f600}"],
  ])("header value %j is %j", (value, text) => {
    expect(input(binary({ "ce-subject": value }))).toMatchObject({ metadata: { subject: text } });
  });

  test.each([
    [{ "ce-subject": "%FF" }, "", "not_well_formed ce-subject"],
    [{ "ce-subject": "%ED%A0%80" }, "", "not_well_formed ce-subject"],
    [{ "ce-specversion": "2.0" }, "", "unsupported ce-specversion"],
    [{ "ce-id": undefined }, "", "required ce-id"],
    [{ "ce-a-b": "c" }, "", "pattern ce-a-b"],
    [{ "ce-datacontenttype": "text/plain" }, "", "unknown_field ce-datacontenttype"],
    [{ "ce-time": "now" }, "", "format ce-time"],
    [{ "content-type": "application/json" }, "{", "malformed /data"],
  ])("%j with body %j is refused: %s", (headers, body, error) => {
    expect(errors(binary(headers, body))).toEqual([error]);
  });

  test("without a body has no data", () => {
    expect(input(binary({ "content-type": "application/json" }))).toEqual({
      id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
      source: "/mailer",
      type: "email.opened",
    });
  });

  test("is the same event as in structured mode", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
    const extension = fc.oneof(
      text,
      fc.boolean(),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    );
    const extensions = fc.dictionary(
      fc
        .stringMatching(/^[a-z0-9]{1,20}$/)
        .filter((name) => !/^(data.*|time|specversion)$/.test(name)),
      extension,
    );
    const encode = (value: unknown) => encodeURIComponent(String(value));
    fc.assert(
      fc.property(text, extensions, jsonValues(), (subject, others, data) => {
        const event = { ...required, subject, time: "2026-01-31T10:20:30Z", ...others };
        const headers = Object.fromEntries(
          Object.entries(event).map(([name, value]) => [`ce-${name}`, encode(value)]),
        );
        const body = Buffer.from(JSON.stringify(data));
        const sent = readBinaryCloudEvent({ ...headers, "content-type": "application/json" }, body);
        const plain: unknown = JSON.parse(JSON.stringify(data));
        expect(sent).toEqual(readCloudEvent({ ...event, data: plain }));
        expect(sent.status).toBe("read");
      }),
      { numRuns: 500 },
    );
  });
});

test("whatever comes is read or refused", () => {
  const name = fc.oneof(
    fc.constantFrom(
      "specversion",
      "id",
      "source",
      "type",
      "time",
      "data",
      "data_base64",
      "datacontenttype",
      "__proto__",
    ),
    fc.string(),
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("1.0", "e30=", "text/plain", "application/json"),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), fc.uint8Array(), (entries, body) => {
      const event = JSON.parse(
        `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join()}}`,
      ) as object;
      const headers = Object.fromEntries(
        entries.map(([key, item]) => [`ce-${key.toLowerCase()}`, JSON.stringify(item)]),
      );
      for (const reading of [readCloudEvent(event), readBinaryCloudEvent(headers, body)]) {
        if (reading.status === "rejected") expect(reading.errors.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1_000 },
  );
});
