import { ServiceProcess } from "../service-process.ts";
import { readShopLog } from "../support/shop-log.ts";
import { eventually } from "../support/eventually.ts";
import { postShuffled, settled } from "./shop-run.ts";

interface Answered {
  readonly results: readonly {
    readonly dimensions: readonly string[];
    readonly metrics: readonly (number | null)[];
    readonly previous?: readonly (number | null)[];
  }[];
  readonly totals?: readonly (number | null)[];
  readonly explain?: {
    readonly plan: string;
    readonly events?: { readonly fetched?: { readonly columns: number; readonly rows: number } };
  };
  readonly meta: { readonly exact: boolean; readonly source: string; readonly cache: string };
}

const log = readShopLog();
let service: ServiceProcess;

beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn", QUERY_MAX_EVENTS: "40000" });
  await service.start();
  await postShuffled(service, log, { random: () => 0.5 });
  await settled(service);
}, 120_000);
afterAll(() => service?.dispose());

function post(body: unknown, contentType = "application/json"): Promise<Response> {
  return fetch(`${service.url}/api/v1/query`, {
    method: "POST",
    headers: { "Content-Type": contentType },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function ask(question: object): Promise<Answered> {
  const response = await post(question);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as Answered;
}

function nested(depth: number): readonly unknown[] {
  return depth === 0 ? ["exists", "data.a", true] : ["not", nested(depth - 1)];
}

const pairs = ({ results }: Answered) =>
  results.map(({ dimensions, metrics }) => [...dimensions, ...metrics]);

describe("questions about the shop's log", () => {
  test("platforms, from the events", async () => {
    const answer = await ask({ dimensions: ["data.platform"], include: ["totals", "explain"] });
    expect(pairs(answer)).toEqual([
      ["desktop", 16_146],
      ["mobile", 11_353],
      ["tablet", 3_607],
    ]);
    expect(answer.totals).toEqual([31_106]);
    expect(answer.explain?.plan).toBe("events");
    const { columns, rows } = answer.explain!.events!.fetched!;
    expect(columns + rows).toBeGreaterThan(0);
    expect(answer.meta).toMatchObject({ exact: true, source: "events" });
  });

  test("users and purchases, from the rollups as from the events", async () => {
    const purchases = log.filter(({ type }) => type === "shop.purchase");
    const users = new Set(purchases.map(({ metadata }) => metadata.userId)).size;
    const filters = ["is", "type", "shop.purchase"];
    const metrics = ["count", "uniques"];
    const fast = await ask({ metrics, filters, include: ["explain"] });
    expect(pairs(fast)).toEqual([[purchases.length, users]]);
    expect(fast.explain?.plan).toBe("rollup");
    const slow = await ask({
      metrics: [...metrics, "max:data.none"],
      filters,
      include: ["explain"],
    });
    expect(pairs(slow)).toEqual([[purchases.length, users, null]]);
    expect(slow.explain?.plan).toBe("events");
  });

  test("a late event is in the next answer, whatever was cached", async () => {
    const question = {
      metrics: ["count", "uniques"],
      dimensions: ["time:day"],
      range: { from: "2024-03-01T00:00:00Z", to: "2024-03-03T00:00:00Z" },
      timezone: "Asia/Kolkata",
    };
    const before = await ask(question);
    expect((await ask(question)).meta.cache).toBe("hit");
    const late = { type: "shop.late", source: "web", timestamp: "2024-03-02T12:00:00Z" };
    const accepted = await fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=10" },
      body: JSON.stringify(late),
    });
    expect(accepted.status).toBe(201);
    const sum = ({ results }: Answered) =>
      results.reduce((total, { metrics }) => total + (metrics[0] ?? 0), 0);
    await eventually(async () => expect(sum(await ask(question))).toBe(sum(before) + 1));
  });

  test("a page of the period before stands beside it", async () => {
    const answer = await ask({
      dimensions: ["source"],
      range: { from: "2024-03-01T00:00:00Z", to: "2024-04-01T00:00:00Z" },
      compare: "previous_period",
    });
    const inFebruary = log.filter(
      ({ source, timestamp }) => source === "shop-desktop" && timestamp.startsWith("2024-02"),
    );
    const desktop = answer.results.find(({ dimensions }) => dimensions[0] === "shop-desktop");
    expect(desktop?.previous).toEqual([inFebruary.length]);
  });
});

describe("bad questions", () => {
  const bad: readonly (readonly [name: string, body: object, pointer: string])[] = [
    ["an unknown metric", { metrics: ["median"] }, "/metrics/0"],
    ["an unknown dimension", { dimensions: ["nope"] }, "/dimensions/0"],
    ["a regular expression", { filters: ["matches", "data.a", "a+"] }, "/filters/0"],
    ["an operator of a database", { filters: [{ $where: "1" }, "a", "b"] }, "/filters/0"],
    ["a zone that is none", { timezone: "Mars/Olympus" }, "/timezone"],
    [
      "40 dimensions",
      { dimensions: Array.from({ length: 40 }, (_, i) => `data.p${i}`) },
      "/dimensions",
    ],
    [
      "a century by the minute",
      { dimensions: ["time:minute"], range: { from: 0, to: 4_000_000_000_000 } },
      "/dimensions",
    ],
    ["an order by nothing", { orderBy: [["sum:data.a"]] }, "/orderBy/0"],
    ["a limit beyond", { limit: 1e6 }, "/limit"],
    ["a name that is not known", { $where: "1" }, "/$where"],
    [
      "filters without end",
      {
        filters: nested(30),
      },
      "/filters",
    ],
  ];

  test.each(bad)("%s is named, with what is allowed", async (_, body, pointer) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const { errors } = (await response.json()) as {
      errors: { pointer: string; message: string }[];
    };
    expect(errors.map((error) => error.pointer.slice(0, pointer.length))).toContain(pointer);
    for (const { message } of errors) expect(message.length).toBeGreaterThan(10);
  });

  test("an order by a column that is itself wrong is no second fault", async () => {
    const response = await post({ dimensions: ["nope"], orderBy: [["nope", "asc"]] });
    const { errors } = (await response.json()) as { errors: { pointer: string }[] };
    expect(errors.map(({ pointer }) => pointer)).toEqual(["/dimensions/0"]);
  });

  test("no JSON, no object, another type, too large, another method", async () => {
    expect((await post("{")).status).toBe(400);
    expect((await post("[1]")).status).toBe(400);
    expect((await post("{}", "text/plain")).status).toBe(415);
    expect((await post(JSON.stringify({ a: "x".repeat(300_000) }))).status).toBe(413);
    const get = await fetch(`${service.url}/api/v1/query`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "OPTIONS, POST"]);
  });

  test("what would read too much is refused before it starts, with the estimate", async () => {
    const many = Array.from({ length: 10 }, (_, b) =>
      Array.from({ length: 1_000 }, (_, i) => ({
        type: "t",
        source: "s",
        data: { i: b * 1_000 + i },
      })),
    );
    for (const events of many) {
      const response = await fetch(`${service.url}/api/v1/events/batch`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(events),
      });
      expect(response.status).toBe(202);
    }
    await settled(service);
    const response = await post({ dimensions: ["data.i"] });
    expect(response.status).toBe(422);
    const problem = (await response.json()) as { type: string; detail: string };
    expect(problem.type).toBe("/problems/query-too-expensive");
    expect(problem.detail).toMatch(/about 411\d\d events/);
    // Full chunks may have their columns by now.
    expect(problem.detail).toMatch(
      /\(\d+ columns of \d\.\d MB would be fetched, and \d+ events one by one\)/,
    );
    // Fewer types are fewer events.
    expect((await post({ dimensions: ["data.i"], filters: ["is", "type", "t"] })).status).toBe(200);
  });
});
