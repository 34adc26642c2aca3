import { readCloudEvent, type CloudEventReading } from "../../../lib/event/cloud-event.ts";

const required = {
  specversion: "1.0",
  id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
  source: "/mailer",
  type: "email.opened",
};

function input(reading: CloudEventReading): unknown {
  return reading.status === "read" ? reading.input : reading.errors;
}

function errors(reading: CloudEventReading): readonly string[] {
  return reading.status === "rejected"
    ? reading.errors.map(({ code, pointer }) => `${code} ${pointer}`)
    : [];
}

const structured = (fields: Readonly<Record<string, unknown>>) =>
  readCloudEvent({ ...required, ...fields });
describe("a CloudEvent in structured mode", () => {
  test("gives its attributes their places", () => {
    const reading = structured({
      time: "2026-01-31T10:20:30Z",
      datacontenttype: "application/json",
      dataschema: "https://example.com/schema",
      subject: "campaign/7",
      correlationid: "c1",
      userid: "u1",
      useragent: "curl",
      ip: "192.0.2.1",
      traceparent: "00-1-2-03",
      count: 3,
      flag: true,
      unset: null,
      data: { plan: "pro" },
    });
    expect(input(reading)).toEqual({
      id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
      source: "/mailer",
      type: "email.opened",
      timestamp: "2026-01-31T10:20:30Z",
      correlationId: "c1",
      data: { plan: "pro" },
      metadata: {
        dataschema: "https://example.com/schema",
        subject: "campaign/7",
        userId: "u1",
        userAgent: "curl",
        ip: "192.0.2.1",
        traceparent: "00-1-2-03",
        count: "3",
        flag: "true",
      },
    });
  });

  test("with no more than it needs is an event with no more", () => {
    expect(input(readCloudEvent(required))).toEqual({
      id: "0190b3a1-7c2d-7e0f-8a1b-2c3d4e5f6071",
      source: "/mailer",
      type: "email.opened",
    });
  });

  test.each(Object.keys(required))("needs %s", (name) => {
    for (const value of [undefined, null, ""]) {
      const event: Record<string, unknown> = { ...required, [name]: value };
      if (value === undefined) delete event[name];
      expect(errors(readCloudEvent(event))).toEqual([`required /${name}`]);
    }
  });

  test.each([
    [{ specversion: "0.3" }, "unsupported /specversion"],
    [{ id: 7.5 }, "type /id"],
    [{ time: "yesterday" }, "format /time"],
    [{ userId: "u" }, "pattern /userId"],
    [{ "a/b": "u" }, "pattern /a~1b"],
    [{ extension: { a: 1 } }, "type /extension"],
    [{ extension: 2 ** 31 }, "type /extension"],
    [{ data: 1, data_base64: "AAAA" }, "ambiguous /data_base64"],
    [{ data_base64: "A" }, "format /data_base64"],
    [{ data_base64: "A===" }, "format /data_base64"],
    [{ data_base64: 7 }, "format /data_base64"],
    [{ data_base64: "e30x", datacontenttype: "application/json" }, "malformed /data_base64"],
    [{ data_base64: "/w==", datacontenttype: "text/plain" }, "not_well_formed /data_base64"],
  ])("%j is refused: %s", (fields, error) => {
    expect(errors(structured(fields))).toContain(error);
  });

  test.each([null, 1, "a", [], [required]])("%j is none", (value) => {
    expect(errors(readCloudEvent(value))).toEqual(["type "]);
  });

  test("has names that are nobody's prototype", () => {
    const reading = readCloudEvent({ ...required, ...JSON.parse('{"constructor":"a"}') });
    expect(JSON.stringify((input(reading) as { metadata: unknown }).metadata)).toBe(
      '{"constructor":"a"}',
    );
    expect(errors(readCloudEvent(JSON.parse('{"__proto__":"a"}')))).toContain("pattern /__proto__");
  });
});

describe("its data", () => {
  const data = (fields: Readonly<Record<string, unknown>>) => {
    const { data: value, metadata } = input(structured(fields)) as {
      data?: unknown;
      metadata?: unknown;
    };
    return [value, metadata];
  };
  const base64 = (text: string) => Buffer.from(text).toString("base64");

  test.each([
    ["no type", { data: { a: 1 } }, [{ a: 1 }, undefined]],
    ["null", { data: null }, [null, undefined]],
    ["null beside base64", { data: null, data_base64: "/wD/" }, ["/wD/", undefined]],
    [
      "JSON",
      { data: [1], datacontenttype: "application/vnd.x+json; charset=utf-8" },
      [[1], undefined],
    ],
    [
      "JSON in base64",
      { data_base64: base64('{"a":1}'), datacontenttype: "text/json" },
      [{ a: 1 }, undefined],
    ],
    [
      "a text",
      { data: "<a/>", datacontenttype: "text/xml" },
      ["<a/>", { datacontenttype: "text/xml" }],
    ],
    [
      "a text in base64",
      { data_base64: base64("ä"), datacontenttype: "text/plain" },
      ["ä", { datacontenttype: "text/plain" }],
    ],
    [
      "XML in base64",
      { data_base64: base64("<a/>"), datacontenttype: "application/soap+xml" },
      ["<a/>", { datacontenttype: "application/soap+xml" }],
    ],
    [
      "bytes",
      { data_base64: "/wD/", datacontenttype: "image/png" },
      ["/wD/", { datacontenttype: "image/png" }],
    ],
    ["bytes of no type", { data_base64: "/wD/" }, ["/wD/", undefined]],
  ])("of %s", (_, fields, expected) => {
    expect(data(fields)).toEqual(expected);
  });
});
