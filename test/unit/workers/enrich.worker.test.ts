import { jest } from "@jest/globals";
import { Piscina } from "piscina";
import { rolledUp } from "../../../lib/counting/dimensions.ts";
import { deltasOf, type DeltasDone, type EnrichDone } from "../../../lib/counting/delta.ts";
import { encodeBatch } from "../../../lib/event/batch-message.ts";
import type { DeltasJob, EnrichJob, EnrichSettings } from "../../../lib/event/enrich/job.ts";
import { unpack } from "../../../lib/store/rows.ts";
import { type BatchPack } from "../../../lib/store/store.ts";
import type { AcceptedEvent } from "../../../lib/event/event.ts";
import { countryReader } from "../../../lib/country.ts";

const dimensions = rolledUp(["data.plan"]);
const minute = 1_700_000_040_000;

interface Pool {
  run(job: EnrichJob): Promise<EnrichDone>;
  run(job: DeltasJob): Promise<DeltasDone>;
  close(): Promise<void>;
}

function poolWith(workerData: EnrichSettings): Pool {
  const filename = new URL("../../../workers/enrich.worker.ts", import.meta.url).href;
  const pool = new Piscina({ filename, workerData, maxThreads: 1 });
  async function run(job: EnrichJob | DeltasJob): Promise<unknown> {
    const done = (await pool.run(job)) as BatchPack | DeltasDone;
    return "bytes" in done ? unpack(done) : done;
  }
  const opened: unknown = { run, close: () => pool.close() };
  return opened as Pool;
}

function accepted(id: string, fields: Partial<AcceptedEvent> = {}): AcceptedEvent {
  return {
    id,
    type: "page.viewed",
    source: "web",
    timestamp: minute,
    receivedAt: minute + 5,
    ...fields,
  };
}

function bodyOf(events: readonly unknown[]): Uint8Array {
  return encodeBatch(
    "b1",
    "shop",
    events.map((event) => Buffer.from(JSON.stringify(event))),
  );
}

const viewed = [
  accepted("e0", { metadata: { ip: "8.8.8.8", userId: "ada", userAgent: "curl/8.4.0" } }),
  accepted("e1", { metadata: { ip: "::ffff:81.2.69.142" }, data: { plan: "pro" } }),
  accepted("e2", { metadata: { ip: "192.168.0.7" }, timestamp: minute + 60_000, undated: true }),
];

describe("the enrichment worker", () => {
  let pool: Pool;
  beforeAll(() => {
    pool = poolWith({ fullIp: false, dimensions, store: "sqlite" });
  });
  afterAll(() => pool.close());

  test("enriches a batch and counts it", async () => {
    const done = await pool.run({ body: bodyOf(viewed) });
    expect(done.batch).toBe("b1");
    expect(done.project).toBe("shop");
    expect(done.events).toMatchObject([
      {
        id: "e0",
        batch: "b1",
        project: "shop",
        metadata: { ip: "8.8.8.0", userId: "ada" },
        context: { country: "US", bot: true, device: "bot" },
      },
      { id: "e1", metadata: { ip: "81.2.69.0" }, context: { country: "GB" } },
      { id: "e2", metadata: { ip: "192.168.0.0" }, context: {} },
    ]);
    expect(done.events[2]).not.toHaveProperty("undated");
    expect(done.events[2]!.context).not.toHaveProperty("country");
    expect(done.deltas).toEqual(structuredClone(deltasOf("b1", "shop", done.events, dimensions)));
    expect(done.deltas.map(({ bucket }) => bucket.start)).toEqual([minute, minute + 60_000]);
  });

  test("enriches only some events where it is told to", async () => {
    const done = await pool.run({ body: bodyOf(viewed), only: [2, 0, 9] });
    expect(done.events.map(({ id }) => id)).toEqual(["e2", "e0"]);
    expect(done.deltas.map(({ cells }) => cells.types["page.viewed"])).toEqual([1, 1]);
  });

  test("counts again what a batch owns", async () => {
    const { events } = await pool.run({ body: bodyOf(viewed) });
    const owned = events.slice(1);
    const done = await pool.run({ kind: "deltas", batch: "b1", project: "shop", events: owned });
    expect(done).toEqual({
      deltas: structuredClone(deltasOf("b1", "shop", owned, dimensions)),
    });
  });

  test("gives the same again", async () => {
    const once = await pool.run({ body: bodyOf(viewed) });
    expect(await pool.run({ body: bodyOf(viewed) })).toEqual(once);
  });

  test("brings names of an object's own parts over as names", async () => {
    const named = JSON.parse(`{"__proto__":{"a":1},"constructor":2}`) as AcceptedEvent["data"];
    const { events, deltas } = await pool.run({
      body: bodyOf([accepted("e0", { type: "__proto__", data: named! })]),
    });
    expect(JSON.stringify(events[0]!.data)).toBe(`{"__proto__":{"a":1},"constructor":2}`);
    expect(Object.entries(deltas[0]!.cells.types)).toEqual([["__proto__", 1]]);
  });

  test.each([
    ["no JSON", Buffer.from("{")],
    ["no object", Buffer.from("[]")],
    ["no events", Buffer.from(`{"batch":"b1","project":"shop"}`)],
    ["nothing", Buffer.alloc(0)],
  ])("refuses a body that is %s", async (_what, body) => {
    await expect(pool.run({ body })).rejects.toThrow(/^The message is not a batch: /);
  });

  test.each([
    ["is no object", null],
    ["has no id", { ...viewed[0], id: undefined }],
    ["has no type", { ...viewed[0], type: 5 }],
    ["has no source", { ...viewed[0], source: "" }],
    ["has no timestamp in milliseconds", { ...viewed[0], timestamp: "2024-01-01" }],
    ["has no receivedAt in milliseconds", { ...viewed[0], receivedAt: null }],
    ["has metadata that is no object", { ...viewed[0], metadata: ["secret"] }],
  ])("names the event that %s, and goes on without it", async (fault, bad) => {
    const body = bodyOf([viewed[0], bad, viewed[1]]);
    await expect(pool.run({ body })).rejects.toThrow(`event 1 of the batch ${fault}`);
    const { events } = await pool.run({ body, only: [0, 2] });
    expect(events.map(({ id }) => id)).toEqual(["e0", "e1"]);
  });
});

test("the worker stores addresses whole where it is set to", async () => {
  const pool = poolWith({ fullIp: true, dimensions, store: "mongodb" });
  const { events } = await pool.run({ body: bodyOf(viewed) });
  expect(events.map(({ metadata }) => metadata!["ip"])).toEqual([
    "8.8.8.8",
    "81.2.69.142",
    "192.168.0.7",
  ]);
  await pool.close();
});

describe("countryReader", () => {
  test.each([
    ["8.8.8.8", "US"],
    ["81.2.69.142", "GB"],
    ["194.25.0.60", "DE"],
    ["2001:4860:4860::8888", "US"],
    ["10.0.0.1", undefined],
  ])("%s is in %s", (ip, country) => {
    expect(countryReader()(ip)).toBe(country);
  });

  test("without its database says so once, and knows no country", () => {
    const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const countryOf = countryReader(new URL("file:///nowhere/geo.mmdb"));
    expect(warn).not.toHaveBeenCalled();
    expect(countryOf("8.8.8.8")).toBeUndefined();
    expect(countryOf("8.8.4.4")).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });
});
