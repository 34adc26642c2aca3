import { metricOf } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

const nothing = {
  accepted: 0,
  rejected: 0,
  stored: 0,
  quarantined: 0,
  duplicate: 0,
  conflict: 0,
  refused: 0,
  dead: 0,
};
const outcomes = Object.keys(nothing);
type Tally = typeof nothing;

async function told(service: ServiceProcess): Promise<Tally> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const values = outcomes.map((outcome) => {
    const line = new RegExp(`^analytics_events_total{outcome="${outcome}"} (\\d+)$`, "m");
    return [outcome, Number(line.exec(text)?.[1])] as const;
  });
  return Object.fromEntries(values) as Tally;
}

const counted = async (service: ServiceProcess): Promise<number> => {
  const response = await fetch(`${service.url}/api/v1/events/counts`);
  return ((await response.json()) as { total: number }).total;
};

const event = (id: string, value = 0) =>
  JSON.stringify({ id, type: "metrics.test", source: "test", data: { value } });

/** Sends lines of NDJSON, one event each. @returns what the answer says of them */
async function send(service: ServiceProcess, lines: readonly string[]) {
  const response = await fetch(`${service.url}/api/v1/events/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  return (await response.json()) as { accepted: number; rejected: number };
}

/** Waits until everything that was accepted has become something. */
async function settled(service: ServiceProcess): Promise<void> {
  await eventually(
    async () => expect(await metricOf(service, "analytics_queue_messages")).toBe(0),
    60_000,
  );
}

test("metrics are what was answered and what is counted, in each process from its start", async () => {
  const service = await ServiceProcess.create();
  try {
    await service.start();
    expect(await told(service)).toEqual(nothing);

    const ids = Array.from({ length: 40 }, (_, i) => `first-${i}`);
    const invalid = [JSON.stringify({ source: "test" }), "{", '"no event"'];
    const twice = [event("first-0"), event("first-1")];
    const first = await send(service, [...ids.map((id) => event(id)), ...invalid, ...twice]);
    expect(first).toMatchObject({ accepted: 42, rejected: 3 });
    await settled(service);
    const again = ids.slice(0, 7).map((id) => event(id));
    const changed = ids.slice(7, 12).map((id) => event(id, 1));
    expect(await send(service, [...again, ...changed])).toMatchObject({ accepted: 12 });
    const lone = await fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: 1 }),
    });
    expect(lone.status).toBe(422);
    await settled(service);

    const tally = await told(service);
    expect(tally).toEqual({
      ...nothing,
      accepted: 54,
      rejected: 4,
      stored: 40,
      duplicate: 9,
      conflict: 5,
    });
    expect(await counted(service)).toBe(tally.stored);
    const batches = (outcome: string) =>
      metricOf(service, `analytics_batches_total{outcome="${outcome}"}`);
    expect(await batches("done")).toBe(await batches("published"));
    const name = "analytics_accepted_to_counted_seconds_count";
    expect(await metricOf(service, name)).toBe(await batches("done"));
    const whole = 'analytics_store_operation_seconds_count{verb="keepWhole",outcome="done"}';
    expect(await metricOf(service, whole)).toBe(await batches("done"));

    // Killed over its work: the next process counts what it does itself, and the counts are those of all.
    const second = Array.from({ length: 400 }, (_, i) => event(`second-${i}`));
    expect(await send(service, second)).toMatchObject({ accepted: 400 });
    await service.kill();
    await service.start();
    await settled(service);
    const before = await told(service);
    expect(before).toEqual({ ...nothing, stored: before.stored });
    const third = Array.from({ length: 30 }, (_, i) => event(`third-${i}`));
    await send(service, [...third, "{"]);
    await settled(service);
    expect(await told(service)).toEqual({
      ...before,
      accepted: 30,
      rejected: 1,
      stored: before.stored + 30,
    });
    expect(await counted(service)).toBe(470);

    // What was erased stays out, and is told apart from what is there.
    const address = `${service.url}/api/v1/events/third-0`;
    expect((await fetch(address, { method: "DELETE" })).status).toBe(202);
    await eventually(async () => expect((await fetch(address)).status).toBe(404), 60_000);
    await send(service, [event("third-0"), event("third-1")]);
    await settled(service);
    expect(await told(service)).toMatchObject({ accepted: 32, duplicate: 1, refused: 1 });
    const erased = () => metricOf(service, "analytics_events_erased_total");
    await eventually(async () => expect(await erased()).toBe(1), 60_000);
    const text = await (await fetch(`${service.url}/metrics`)).text();
    expect(text).toMatch(/^analytics_keys_age_seconds [\d.]+/m);
  } finally {
    await service.dispose();
  }
});
