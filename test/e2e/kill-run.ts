import { setTimeout as delay } from "node:timers/promises";
import type { ServiceProcess } from "../service-process.ts";

interface KillRun {
  readonly kills: number;
  /** Events in batches that were answered 202. */
  readonly accepted: number;
  /** Ids of accepted events that are not stored. */
  readonly lost: readonly string[];
  /** Events stored, whether or not anyone was told. */
  readonly stored: number;
  /** What the counts say is stored. */
  readonly counted: number;
}

/**
 * Posts single events and batches without a pause and kills the process at random moments. Then asks
 * for every event that was answered 202, and whether the counts agree with the list.
 */
export async function surviveKills(
  service: ServiceProcess,
  kills: number,
  random: () => number,
): Promise<KillRun> {
  const accepted: string[] = [];
  let running = true;
  let made = 0;

  const post = async (size: number) => {
    while (running) {
      const ids = Array.from({ length: size }, () => `kill-${(made += 1)}`);
      const events = ids.map((id) => ({
        id,
        type: "kill.test",
        source: "test",
        timestamp: someInstant(random),
      }));
      const [path, body] = size === 1 ? ["", events[0]] : ["/batch", events];
      const status = await fetch(`${service.url}/api/v1/events${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      }).then(
        // The status is what was promised, also where the connection breaks after it.
        (response) =>
          response.arrayBuffer().then(
            () => response.status,
            () => response.status,
          ),
        () => 0,
      );
      if (status === 202) accepted.push(...ids);
      // A process that is only starting, on a busy machine, needs its time for that.
      else await delay(100);
    }
  };

  const posting = Promise.all([1, 1, 20, 100].map(post));
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(random() * 400);
    await service.kill();
    await service.start();
  }
  running = false;
  await posting;
  return { kills, accepted: accepted.length, ...(await verify(service, accepted)) };
}

/** Within two days, so that hours and days are rolled up too. */
function someInstant(random: () => number): string {
  return new Date(Date.UTC(2026, 0, 1) + Math.floor(random() * 172_800_000)).toISOString();
}

async function verify(
  service: ServiceProcess,
  accepted: readonly string[],
): Promise<Pick<KillRun, "lost" | "stored" | "counted">> {
  // While batches are still on the queue nothing is lost yet.
  for (;;) {
    const health: Health = await getJson(service, "/health");
    if (health.stages["processor"]?.backlog === 0) break;
    await delay(50);
  }
  const stored = new Set<string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Page = await getJson(
      service,
      `/api/v1/events?limit=1000&fields=id${cursor && `&cursor=${cursor}`}`,
    );
    for (const { id } of page.data) stored.add(id);
    cursor = page.page.nextCursor;
  }
  const counts: { total: number } = await getJson(service, "/api/v1/events/counts");
  const lost = accepted.filter((id) => !stored.has(id));
  return { lost, stored: stored.size, counted: counts.total };
}

interface Page {
  readonly data: readonly { readonly id: string }[];
  readonly page: { readonly nextCursor: string | null };
}

interface Health {
  readonly stages: Readonly<Record<string, { readonly backlog?: number }>>;
}

async function getJson<T>(service: ServiceProcess, path: string): Promise<T> {
  return (await (await fetch(service.url + path)).json()) as T;
}
