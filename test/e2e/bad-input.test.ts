import { gzipSync } from "node:zlib";
import { answersToBadQuestions, refusedAll } from "../bad-questions.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo, type Answer } from "./send.ts";

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
});
afterAll(() => service.dispose());

const send = (...request: Parameters<typeof sendTo> extends [unknown, ...infer R] ? R : never) =>
  sendTo(service, ...request);

const base = { type: "bad.input", source: "test" };
const pointers = ({ body }: Answer) => body.errors?.map(({ pointer }) => pointer);

describe("one event", () => {
  test.each([
    ["not JSON", "{", 400],
    ["nothing", "", 400],
    ["white space", "  \n", 400],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), 400],
    ["a number", "7", 422],
    ["null", "null", 422],
    ["an array", "[]", 422],
    ["a JSON megabyte of brackets", "[".repeat(200_000), 400],
  ])("%s is a problem", async (_name, body, status) => {
    const answer = await send("", body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  test.each([
    ["no type", { source: "x" }, 422, "/type"],
    ["a type of another kind", { ...base, type: 7 }, 422, "/type"],
    ["a type with a tab", { ...base, type: "a\tb" }, 422, "/type"],
    ["no source", { type: "a" }, 422, "/source"],
    ["half a surrogate pair in the source", { ...base, source: "\ud800" }, 422, "/source"],
    ["NUL in the source", { ...base, source: "a\0b" }, 422, "/source"],
    ["an unknown field", { ...base, foo: 1 }, 400, "/foo"],
    [
      "__proto__ as a field",
      JSON.parse('{"type":"a","source":"b","__proto__":{"x":1}}') as object,
      400,
      "/__proto__",
    ],
    ["a timestamp that is none", { ...base, timestamp: "yesterday" }, 422, "/timestamp"],
    [
      "a timestamp ahead of time",
      { ...base, timestamp: Date.now() + 3_600_000 },
      422,
      "/timestamp",
    ],
    ["metadata that are no object", { ...base, metadata: [] }, 422, "/metadata"],
    [
      "a user agent that is no text",
      { ...base, metadata: { userAgent: {} } },
      422,
      "/metadata/userAgent",
    ],
  ])("%s is named", async (_name, event, status, pointer) => {
    const answer = await send("", JSON.stringify(event));
    expect({ status: answer.status, pointers: pointers(answer) }).toEqual({
      status,
      pointers: [pointer],
    });
  });

  test("what is nested too deep is named", async () => {
    const nested = "[".repeat(40) + "]".repeat(40);
    const answer = await send("", `{"type":"a","source":"b","data":${nested}}`);
    expect(answer.status).toBe(422);
    expect(pointers(answer)?.[0]).toMatch(/^\/data/);
  });

  test("another content type is a 415 that says what is taken", async () => {
    const answer = await send("", "type=a", {
      "Content-Type": "application/x-www-form-urlencoded",
    });
    expect(answer.status).toBe(415);
    expect(answer.headers.get("accept")).toContain("application/json");
  });
});

describe("large and coded bodies", () => {
  test.each(["", "/batch"])("12 MB to %s is a 413 that says which limit", async (path) => {
    const answer = await send(path, "x".repeat(12_582_912));
    expect(answer.status).toBe(413);
    expect(answer.body.errors?.[0]?.code).toBe("body_bytes");
  });

  test("a gzip bomb is a 413", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1_048_576, 32));
    const answer = await send("/batch", bomb, { "Content-Encoding": "gzip" });
    expect(answer.status).toBe(413);
    expect(answer.body.errors?.[0]?.code).toBe("inflated_bytes");
  });

  test.each([
    ["gzip that is none", Buffer.from("no gzip")],
    ["gzip that is cut off", gzipSync('{"type":"a","source":"b"}').subarray(0, 20)],
  ])("%s is malformed", async (_name, body) => {
    expect((await send("", body, { "Content-Encoding": "gzip" })).status).toBe(400);
  });

  test("an event of more than 64 KB is a 413", async () => {
    const answer = await send("", JSON.stringify({ ...base, data: "x".repeat(66_000) }));
    expect(answer.status).toBe(413);
  });

  test("numbers that are written out to more than a message may have are a 413", async () => {
    const data = `[${"9e15,".repeat(3_800)}1]`;
    const event = `{"type":"bad.input","source":"test","data":${data}}`;
    const body = `{"events":[${`${event},`.repeat(259)}${event}]}`;
    expect(body.length).toBeLessThan(5_242_880);
    const answer = await send("/batch", body);
    expect(answer.status).toBe(413);
    expect(answer.body.errors).toMatchObject([{ code: "message_bytes" }]);
  });

  test("1,001 events are a 413", async () => {
    const answer = await send("/batch", JSON.stringify(Array.from({ length: 1_001 }, () => base)));
    expect(answer.status).toBe(413);
  });
});

describe("batches", () => {
  test("one bad event costs only itself", async () => {
    const answer = await send("/batch", JSON.stringify({ events: [base, { type: "a" }, base] }));
    expect(answer.status).toBe(207);
    expect(answer.body).toMatchObject({
      accepted: 2,
      rejected: 1,
      results: [{ index: 1, status: "rejected" }],
    });
  });

  test("only bad ones are a 422, and every line of NDJSON is told", async () => {
    const answer = await send("/batch", '{"type":1}\nnope\n', {
      "Content-Type": "application/x-ndjson",
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ accepted: 0, rejected: 2 });
  });

  test("results=all lists the accepted ones too; another parameter is refused", async () => {
    const answer = await send("/batch?results=all", JSON.stringify([base]));
    expect(answer.body).toMatchObject({ results: [{ index: 0, status: "accepted" }] });
    expect((await send("/batch?result=all", "[]")).status).toBe(400);
  });
});

describe("reads", () => {
  test("bad questions are refused, and told why", async () => {
    expect(await answersToBadQuestions(service.url)).toEqual(refusedAll);
  });

  test.each([
    "/events?foo=1",
    "/events?limit=0",
    "/events?limit=a",
    "/events?cursor=abc",
    "/events?from=yesterday",
    "/events?data.a[$where]=1",
    "/events?data..a=1",
    "/events?fields=nothing",
    "/events?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    "/events/counts?interval=fortnight",
    "/events/counts?timezone=Mars/Olympus",
    "/events/counts?groupBy=data.unknown",
    "/events/counts?interval=minute&from=1926-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
  ])("%s is a 400 with a finding", async (path) => {
    const response = await fetch(`${service.url}/api/v1${path}`);
    const body = (await response.json()) as Answer["body"];
    expect(response.status).toBe(400);
    expect(body.errors).not.toHaveLength(0);
  });

  test.each([
    ["POST", "/query"],
    ["POST", "/query/funnel"],
    ["POST", "/query/retention"],
    ["POST", "/query/paths"],
    ["POST", "/audits"],
    ["POST", "/rollups/rebuild"],
    ["POST", "/keys"],
    ["PUT", "/retention"],
    ["PUT", "/queries/saved"],
    ["PUT", "/schemas/a.type"],
  ])(
    "%s %s refuses each JSON text that is no object, and says so of the whole",
    async (method, path) => {
      for (const text of ["null", "7", "[]", '"x"', "true"]) {
        const response = await fetch(`${service.url}/api/v1${path}`, {
          method,
          headers: { "Content-Type": "application/json" },
          body: text,
        });
        const body = (await response.json()) as Answer["body"];
        expect([text, response.status, body.errors?.[0]]).toEqual([
          text,
          400,
          { pointer: "", code: "object", message: expect.stringMatching(/object/) as string },
        ]);
      }
    },
  );

  test.each([
    ["GET", "/api/v1/events/batch", 405, "OPTIONS, POST"],
    ["PUT", "/api/v1/events", 405, "OPTIONS, GET, HEAD, POST, DELETE"],
    ["DELETE", "/api/v1/events/counts", 405, "OPTIONS, GET, HEAD"],
    ["DELETE", "/api/v1/events/batch", 405, "OPTIONS, POST"],
    ["DELETE", "/api/v1/events/stream", 405, "OPTIONS, GET, HEAD"],
    ["POST", "/api/v1/events/counts", 405, "OPTIONS, GET, HEAD"],
    ["GET", "/api/v1/nothing", 404, null],
    ["GET", "/%zz", 404, null],
    ["GET", "/api/v1/events/%zz", 400, null],
    ["GET", "/~node/list", 404, null],
    ["GET", "/api/v1/query/find", 404, null],
  ])("%s %s is a %i", async (method, path, status, allow) => {
    const response = await fetch(service.url + path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([status, allow]);
  });
});
