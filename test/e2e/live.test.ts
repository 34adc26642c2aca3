import { connect } from "node:net";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { SseClient } from "./sse-client.ts";

const keys = {
  shop: "a-key-of-the-shop-for-all",
  blog: "a-key-of-the-blog-for-all",
  news: "a-key-of-the-news-for-all",
  deaf: "a-key-that-may-not-listen",
} as const;

let service: ServiceProcess;
beforeAll(async () => {
  const allowed = [
    ...[`${keys.shop}:shop`, `${keys.blog}:blog`, `${keys.news}:news`],
    `${keys.deaf}:shop:events:read`,
  ];
  service = await ServiceProcess.create({
    LOG_LEVEL: "warn",
    API_KEYS: allowed.join(","),
    STREAM_MAX_CLIENTS: "12",
    STREAM_WINDOW_EVENTS: "50",
  });
  await service.start();
});
afterAll(() => service.dispose());

async function send(ids: readonly string[], more: object = {}, key: string = keys.shop) {
  const events = ids.map((id) => ({ id, type: "page.viewed", source: "test", ...more }));
  const response = await fetch(`${service.url}/api/v1/events/batch`, {
    method: "POST",
    headers: { "X-Api-Key": key, "Content-Type": "application/json" },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
}

function stream(
  query = "",
  { key = keys.shop, lastId = "" }: { readonly key?: string; readonly lastId?: string } = {},
): Promise<SseClient> {
  const headers = { "X-Api-Key": key, ...(lastId !== "" && { "Last-Event-ID": lastId }) };
  return SseClient.open(`${service.url}/api/v1/events/stream${query}`, headers);
}

const idsOf = (client: SseClient) => client.events.map(({ id }) => id);
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

test("what is stored comes once, in order, as the list shows it, to those who want it", async () => {
  const all = await stream();
  const clicks = await stream("?type=click&data.plan=pro&fields=type");
  const others = await stream("", { key: keys.blog });
  expect(all.retryMs).toBe(2_000);
  await send(["a", "b", "a"]);
  await send(["a"]);
  await send(["c"], { type: "click", data: { plan: "pro" } });
  await send(["d"], { type: "click", data: { plan: "free" } });
  await send(["e"], {}, keys.blog);
  await eventually(() => {
    // Batches are stored in any order.
    expect(idsOf(all).toSorted()).toEqual(["a", "b", "c", "d"]);
    expect(clicks.events).toEqual([{ id: "c", type: "click" }]);
    expect(idsOf(others)).toEqual(["e"]);
  });
  const shown = await fetch(`${service.url}/api/v1/events/c`, {
    headers: { "X-Api-Key": keys.shop },
  });
  expect(all.events.find(({ id }) => id === "c")).toEqual(await shown.json());
  [all, clicks, others].forEach((client) => client.leave());
});

test("a client goes on where it was, over a restart too, and is told what the window has lost", async () => {
  const client = await stream("?type=kept");
  await send(["before"], { type: "kept" });
  await eventually(() => expect(idsOf(client)).toEqual(["before"]));
  await service.stop();
  await client.ended;
  expect(client.named("end")).toEqual([{ because: "shutdown", retryMs: 2_000 }]);
  const lastId = client.lastId!;
  await service.start();
  await send(numbered("while", 20), { type: "kept" });
  const again = await stream("?type=kept", { lastId });
  await eventually(() => expect(idsOf(again)).toEqual(numbered("while", 20)));
  await send(["after"], { type: "kept" });
  await eventually(() => expect(idsOf(again)).toEqual([...numbered("while", 20), "after"]));
  expect(again.named("missed")).toEqual([]);
  again.leave();

  await send(numbered("much", 60), { type: "much" });
  await eventually(async () => {
    const listed = await fetch(`${service.url}/api/v1/events?type=much&limit=100`, {
      headers: { "X-Api-Key": keys.shop },
    });
    expect(((await listed.json()) as { data: unknown[] }).data).toHaveLength(60);
  });
  const late = await stream("", { lastId });
  await eventually(() => {
    expect(late.named("missed")).toEqual([{ count: null, exact: false, because: "window" }]);
  });
  late.leave();
}, 180_000);

test("clients who connect while events come, and go on from anywhere, each get every one once", async () => {
  const first = await stream("?type=storm");
  const sending = (async () => {
    for (let i = 0; i < 14; i++) await send(numbered(`storm-${i}`, 3), { type: "storm" });
  })();
  await eventually(() => expect(first.events.length).toBeGreaterThan(0));
  const ids = () => first.frames.map(({ id }) => id!);
  const during = await stream("?type=storm", { lastId: ids()[0]! });
  await sending;
  await eventually(() => expect(first.events).toHaveLength(42));
  const after = await stream("?type=storm", { lastId: ids()[20]! });
  await eventually(() => {
    expect(idsOf(during)).toEqual(idsOf(first).slice(1));
    expect(idsOf(after)).toEqual(idsOf(first).slice(21));
  });
  expect(new Set(idsOf(first)).size).toBe(42);
  [first, during, after].forEach((client) => client.leave());
});

test("live tells each second what was stored, who was there, and the stages", async () => {
  const live = await SseClient.open(`${service.url}/api/v1/live`, { "X-Api-Key": keys.shop });
  await eventually(() => expect(live.named("past")).toHaveLength(1));
  expect((live.named("past")[0] as { perSecond: number[] }).perSecond).toHaveLength(60);
  await send(["l1", "l2"], { metadata: { userId: "u1" }, type: "lived" });
  await eventually(() => {
    const told = live.events as unknown as {
      events: { types: { type: string; count: number }[] };
      activeUsers: { count: number; exact: boolean } | null;
      stages: { name: string; state: string }[];
    }[];
    const types = told.flatMap(({ events }) => events.types);
    const lived = types.filter(({ type }) => type === "lived");
    expect(lived.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(told.at(-1)?.activeUsers).toMatchObject({ count: 1, exact: true, windowMs: 300_000 });
    expect(told.at(-1)?.stages.map(({ name }) => name)).toEqual([
      "gateway",
      "ingest",
      "processor",
      "aggregator",
      "query",
    ]);
  });
  live.leave();
});

test("who may not listen, what cannot be, and one too many of a project or of all are told so", async () => {
  const ask = (path: string, init: RequestInit & { key?: string } = {}) =>
    fetch(`${service.url}/api/v1${path}`, {
      ...init,
      headers: { "X-Api-Key": init.key ?? keys.shop, ...init.headers },
    });
  expect((await ask("/events/stream", { key: keys.deaf })).status).toBe(403);
  expect((await ask("/live", { headers: { Accept: "application/json" } })).status).toBe(406);
  expect((await ask("/live?type=a")).status).toBe(400);
  expect((await ask("/events/stream?kind=a")).status).toBe(400);
  expect((await ask("/events/stream", { headers: { "Last-Event-ID": "x" } })).status).toBe(400);
  expect((await ask("/live", { method: "POST" })).status).toBe(405);
  const head = await ask("/events/stream", { method: "HEAD" });
  expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const clients: SseClient[] = [];
  for (const [key, count] of [[keys.shop, 6] as const, [keys.blog, 12] as const]) {
    await eventually(async () => {
      while (clients.length < count) clients.push(await stream("", { key }));
    });
    const { status, headers } = await ask("/live", { key });
    expect([status, headers.get("retry-after")]).toEqual([429, "5"]);
  }
  const refused = await ask("/live", { key: keys.news });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  clients.forEach((client) => client.leave());
});

test("a client that takes nothing is cut, and costs the others nothing", async () => {
  const { port, hostname } = new URL(service.url);
  const idle = connect(Number(port), hostname);
  idle.write(
    `GET /api/v1/events/stream?type=large HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Api-Key: ${keys.shop}\r\n\r\n`,
  );
  idle.pause();
  let isCut = false;
  idle.on("close", () => (isCut = true)).on("error", () => undefined);
  const other = await eventually(() => stream("?type=small"));
  const text = "x".repeat(60_000);
  let round = 0;
  await eventually(async () => {
    round += 1;
    await send(numbered(`large-${round}`, 20), { type: "large", data: { text } });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/analytics_live_cut_total [1-9]/);
  }, 90_000);
  await send(["small"], { type: "small" });
  await eventually(() => expect(idsOf(other)).toEqual(["small"]));
  idle.resume();
  await eventually(() => expect(isCut).toBe(true));
  other.leave();
}, 150_000);
