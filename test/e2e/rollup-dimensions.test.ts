import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const range = { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" };
const question = { metrics: ["count"], dimensions: ["data.plan"], range };
const started: ServiceProcess[] = [];
afterEach(() => Promise.all(started.splice(0).map((service) => service.dispose())));

async function start(variables: Record<string, string>): Promise<ServiceProcess> {
  const service = await ServiceProcess.create({ LOG_LEVEL: "warn", ...variables });
  started.push(service);
  await service.start();
  return service;
}

async function post(service: ServiceProcess, path: string, body: object) {
  const answer = await fetch(`${service.url}/api/v1${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  expect([200, 202]).toContain(answer.status);
  return (await answer.json()) as Record<string, unknown>;
}

/** Resolves when nothing is left to roll up. */
function settled(service: ServiceProcess): Promise<void> {
  return eventually(async () => {
    const health = await (await fetch(`${service.url}/health`)).json();
    expect(health).toMatchObject({ stages: { aggregator: { backlog: 0 } } });
  }, 60_000);
}

test("a dimension that is added answers for the past too: from the events, and once that is counted anew from rollups", async () => {
  const before = await start({ ROLLUP_DIMENSIONS: "data.other" });
  const events = Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `e${i}`, type: "page.viewed", source: "web" },
    timestamp: "2026-01-01T10:00:30Z",
    data: { plan: i < 5 ? "pro" : "free" },
  }));
  const sent = await sendTo(before, "/batch", JSON.stringify({ events }));
  expect(sent.status).toBe(202);
  await eventually(async () => {
    await settled(before);
    const counts = await fetch(`${before.url}/api/v1/events/counts`);
    expect(await counts.json()).toMatchObject({ total: 12, meta: { exact: true } });
  }, 60_000);
  await before.stop();

  const after = await start({
    DATA_DIR: before.dataDir,
    ROLLUP_DIMENSIONS: "data.plan",
  });
  const plans = [
    { dimensions: ["free"], metrics: [7] },
    { dimensions: ["pro"], metrics: [5] },
  ];
  expect(await post(after, "/query", question)).toMatchObject({
    results: plans,
    meta: { exact: true, source: expect.stringMatching(/^(events|mixed)$/) as string },
  });

  await post(after, "/rollups/rebuild", range);
  await eventually(async () => {
    await settled(after);
    expect(await post(after, "/query", question)).toMatchObject({
      results: plans,
      meta: { exact: true, source: "rollup" },
    });
  }, 60_000);
}, 120_000);
