import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServiceProcess } from "../service-process.ts";
import { sendTo, type Answer } from "./send.ts";

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
});
afterAll(() => service.dispose());

const stored = { Prefer: "wait=20" };
const send = (event: unknown, headers: Record<string, string> = {}) =>
  sendTo(service, "", typeof event === "string" ? event : JSON.stringify(event), {
    ...stored,
    ...headers,
  });
const pointers = ({ body }: Answer) => body.errors?.map(({ pointer }) => pointer);

async function read(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${service.url}/api/v1${path}`);
  return { httpStatus: response.status, ...((await response.json()) as object) };
}

async function ask(path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${service.url}/api/v1/query${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { httpStatus: response.status, ...((await response.json()) as object) };
}

test("names of one letter that the sender escaped are what they mean, whatever others sent", async () => {
  // V8 expects the keys of objects that it has met.
  for (const name of ["\\\\", "b"]) {
    await send(`{"type":"before","source":"\\"","data":{"a":1,"${name}":1}}`);
  }
  const names = { "\\n": "\n", '\\"': '"', "\\u540d": "名", "\\u0041": "A", "\\\\": "\\" };
  for (const [at, [name, meant]] of Object.entries(names).entries()) {
    const data = `{"a":1,"${name}":${at}}`;
    const text = `{"id":"key-${at}","type":"key","source":"\\"","data":${data}}`;
    expect((await send(text)).status).toBe(201);
    const { data: shown } = await read(`/events/key-${at}`);
    expect(shown).toEqual({ a: 1, [meant]: at });
  }
  const filters = ["is", "type", ["key"]];
  const asked = await ask("", { metrics: ["count"], dimensions: ["source"], filters });
  expect(asked).toMatchObject({ results: [{ dimensions: ['"'], metrics: [5] }] });
});

test("a whole address is in no file, and its country is known", async () => {
  const addresses = ["8.8.4.77", "2a02:2e0:3fe:1001:7777:772e:2:85", "9.9.4.77, 172.16.31.99"];
  for (const [i, ip] of addresses.entries()) {
    const answer = await send({ id: `ip-${i}`, type: "ip", source: "s", metadata: { ip } });
    expect(answer.status).toBe(201);
  }
  expect(await read("/events/ip-0")).toMatchObject({
    metadata: { ip: "8.8.4.0" },
    context: { country: "US" },
  });
  expect(await read("/events/ip-2")).toMatchObject({ metadata: { ip: "9.9.4.0" } });
  const files = await readdir(service.dataDir, { recursive: true, withFileTypes: true });
  const whole = ["8.8.4.77", "7777:772e", "9.9.4.77", "172.16.31.99"];
  let seen = 0;
  for (const file of files.filter((entry) => entry.isFile())) {
    const bytes = await readFile(join(file.parentPath, file.name));
    if (bytes.includes("8.8.4.0")) seen++;
    expect(whole.filter((address) => bytes.includes(address))).toEqual([]);
  }
  expect(seen).toBeGreaterThan(0);
});

test("numbers that would change are refused wherever they stand", async () => {
  const event = '{"id":"n-1","type":"n","source":"s","data":{"order":[9007199254740993]}}';
  expect(pointers(await send(event))).toEqual(["/data/order/0"]);
  const lines = await sendTo(service, "/batch", `${event}\n{"type":"n","source":"s"}`, {
    "Content-Type": "application/x-ndjson",
  });
  expect(lines).toMatchObject({ status: 207, body: { results: [{ index: 0 }] } });
  const cloud = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "n" };
  expect(pointers(await send("[1e-400]", cloud))).toEqual(["/data/0"]);
  expect(await ask("", '{"filters":["is","data.order",9007199254740993]}')).toMatchObject({
    httpStatus: 400,
    errors: [{ pointer: "/filters/2" }],
  });
  expect(await read("/events?data.order[gte]=9007199254740993")).toMatchObject({ httpStatus: 400 });
});

test("a type of any script, with spaces, is asked for like any other", async () => {
  const types = ["Order Completed", "заказ оплачен", "注文 完了"];
  for (const type of types) {
    const metadata = { userId: "u1" };
    expect((await send({ type, source: "shop", metadata })).status).toBe(201);
  }
  const [first = "", second = ""] = types;
  expect(await read(`/events?type=${encodeURIComponent(types.join(","))}`)).toMatchObject({
    data: { length: 3 },
  });
  expect(await read(`/events/counts?type=${encodeURIComponent(second)}`)).toMatchObject({
    data: [{ type: second, count: 1 }],
  });
  const filters = ["is", "type", [first, second]];
  expect(await ask("", { filters, dimensions: ["type"] })).toMatchObject({
    results: { length: 2 },
  });
  const steps = [{ type: first }, { type: second }];
  expect(await ask("/funnel", { steps })).toMatchObject({ steps: [{ users: 1 }, { users: 1 }] });
});

test("a source of 512 characters counts as itself, also beside one that begins alike", async () => {
  const sources = ["a", "b"].map((end) => `/subscriptions/${"x".repeat(496)}${end}`);
  for (const source of [...sources, sources[0]!]) {
    expect((await send({ type: "long.source", source })).status).toBe(201);
  }
  for (const [i, source] of sources.entries()) {
    const asked = `type=long.source&source=${encodeURIComponent(source)}`;
    expect(await read(`/events?${asked}`)).toMatchObject({ data: { length: 2 - i } });
    const filters = ["is", "source", source];
    expect(await ask("", { filters })).toMatchObject({ results: [{ metrics: [2 - i] }] });
  }
});

test("a source that is called as answers call what they leave out has a row of its own", async () => {
  for (const source of ["(other)", "(none)", "\\(none)", "plain"]) {
    expect((await send({ type: "said", source, data: { source } })).status).toBe(201);
  }
  expect((await send({ type: "said", source: "plain" })).status).toBe(201);
  expect(await read("/events/counts?type=said&source=(other)")).toMatchObject({ total: 1 });
  expect(await read("/events/counts?type=said&source=(none)")).toMatchObject({ total: 1 });
  const filters = ["is", "type", "said"];
  const rowsOf = async (dimension: string) => {
    const { results } = await ask("", { filters, dimensions: [dimension] });
    const rows = results as readonly { dimensions: [string]; metrics: [number] }[];
    return Object.fromEntries(rows.map(({ dimensions, metrics }) => [dimensions[0], metrics[0]]));
  };
  const said = { "\\(other)": 1, "\\(none)": 1, "\\\\(none)": 1 };
  expect(await rowsOf("source")).toEqual({ ...said, plain: 2 });
  const rows = await rowsOf("data.source");
  expect(rows).toEqual({ ...said, plain: 1, "(none)": 1 });
  for (const [value, count] of Object.entries(rows)) {
    const where = ["and", filters, ["shown_as", "data.source", value]];
    expect(await ask("", { filters: where })).toMatchObject({ results: [{ metrics: [count] }] });
  }
});

test("a CloudEvent is told by its source and id, in every mode", async () => {
  const event = { specversion: "1.0", id: "7 / ä", type: "cloud.paid", source: "/a" };
  const structured = { "Content-Type": "application/cloudevents+json" };
  const one = await send(event, structured);
  const other = await send({ ...event, source: "/b" }, structured);
  expect([one.status, other.status]).toEqual([201, 201]);
  expect(one.body["id"]).not.toBe(other.body["id"]);
  expect(await read(`/events/${String(one.body["id"])}`)).toMatchObject({
    source: "/a",
    metadata: { cloudEventId: "7 / ä" },
  });
  const binary = Object.entries(event).map(([name, value]) => [
    `ce-${name}`,
    encodeURIComponent(value),
  ]);
  const again = await send("", Object.fromEntries(binary) as Record<string, string>);
  expect(again).toMatchObject({ status: 200, body: { id: one.body["id"], status: "duplicate" } });
  const batch = await sendTo(service, "/batch?results=all", JSON.stringify([event]), {
    "Content-Type": "application/cloudevents-batch+json",
  });
  expect(batch.body).toMatchObject({ accepted: 1, results: [{ id: one.body["id"] }] });
});

test("what is wrong with a CloudEvent is pointed at where it was sent", async () => {
  const event = { specversion: "1.0", id: "1", type: "😀", source: "/a" };
  const wrong = { ...event, time: "0001-01-01T00:00:00Z", correlationid: "c".repeat(129) };
  const names = ["type", "correlationid", "time"];
  const one = await send(wrong, { "Content-Type": "application/cloudevents+json" });
  expect([one.status, pointers(one)]).toEqual([422, names.map((name) => `/${name}`)]);
  const batch = await sendTo(service, "/batch", JSON.stringify([{}, wrong]), {
    "Content-Type": "application/cloudevents-batch+json",
  });
  const [, last] = batch.body["results"] as { error: Answer["body"] }[];
  expect(last?.error.errors?.map(({ pointer }) => pointer)).toEqual(pointers(one));
  const headers = Object.entries(wrong).map(([name, value]) => [
    `ce-${name}`,
    encodeURIComponent(value),
  ]);
  const binary = await send("", Object.fromEntries(headers) as Record<string, string>);
  expect(pointers(binary)).toEqual(names.map((name) => `ce-${name}`));
});

test.each(["batch", "counts", "export", "stream", ".", ".."])(
  "no event is called %s",
  async (id) => {
    const answer = await send({ id, type: "reserved", source: "s" });
    expect({ status: answer.status, pointers: pointers(answer) }).toEqual({
      status: 422,
      pointers: ["/id"],
    });
  },
);

test("null in optional fields is as absent: the same event with and without them is one", async () => {
  const event = { id: "null-1", type: "null", source: "s", timestamp: Date.now() - 1_000 };
  const nulls = { correlationId: null, data: null, metadata: { userId: null, ip: null } };
  expect((await send({ ...event, metadata: {} })).status).toBe(201);
  expect((await send({ ...event, ...nulls })).status).toBe(200);
  expect((await send({ ...event, id: null, timestamp: null, metadata: null })).status).toBe(201);
});
