import { askAndLeave, heldForReads, heldNothing } from "../support/left-reads.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const events = 10_000;
let service: ServiceProcess;

beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn", QUERY_MAX_WAITING: "10" });
  await service.start();
  for (let first = 0; first < events; first += 1_000) {
    const batch = Array.from({ length: 1_000 }, (_, i) => ({
      type: "left.test",
      source: "test",
      timestamp: 1_700_000_000_000 + (first + i) * 1_000,
      data: { n: first + i },
    }));
    expect((await sendTo(service, "/batch", JSON.stringify(batch))).status).toBe(202);
  }
  await eventually(async () => {
    const counts = await fetch(`${service.url}/api/v1/events/counts`);
    expect(((await counts.json()) as { total: number }).total).toBe(events);
  }, 60_000);
});
afterAll(() => service?.dispose());

function ask(body: object): Promise<Response> {
  return fetch(`${service.url}/api/v1/query`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** How many reads found the waiting room full. */
async function refusedReads(): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^analytics_http_refused_total{limit="reads_waiting"} (\d+)$/m.exec(metrics)?.[1]);
}

/** How many requests were refused by any limit: on a busy machine others than the waiting room's are met. */
async function allRefused(): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  const counted = metrics.matchAll(/^analytics_http_refused_total{limit="\w+"} (\d+)$/gm);
  return [...counted].reduce((sum, [, count]) => sum + Number(count), 0);
}

test("clients that leave leave nothing behind: no lane, no reading thread, no bytes", async () => {
  const statuses = await askAndLeave(service.url, 32, async () => {
    await eventually(async () => {
      const held = await heldForReads(service.url);
      expect(held["reads_running"]).toBeGreaterThan(0);
      expect(held["reads_waiting"]).toBeGreaterThan(0);
      expect(await refusedReads()).toBeGreaterThan(0);
    }, 60_000);
  });
  await heldNothing(service.url);
  expect(new Set(statuses).difference(new Set([200, 429]))).toEqual(new Set());
  const refused = statuses.filter((status) => status === 429).length;
  expect(await allRefused()).toBeGreaterThanOrEqual(refused);
});

test("a question that 200 ask at once is answered once, to all of them", async () => {
  const question = {
    metrics: ["count", "sum:data.n"],
    dimensions: ["data.n"],
    filters: ["gte", "data.n", events - 10],
    orderBy: [["sum:data.n", "desc"]],
    limit: 1,
  };
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await ask(question);
      expect(response.status).toBe(200);
      return (await response.json()) as { results: unknown; meta: { cache: string } };
    }),
  );
  expect(answers.filter(({ meta }) => meta.cache === "miss").length).toBe(1);
  const rows = [{ dimensions: [String(events - 1)], metrics: [1, events - 1] }];
  expect(answers.map(({ results }) => results)).toEqual(answers.map(() => rows));
});
