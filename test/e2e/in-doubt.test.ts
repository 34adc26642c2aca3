import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

interface Refusal {
  readonly type: string;
  readonly ids?: readonly { readonly index: number; readonly id: string }[];
}

const faultModule = new URL("../fixtures/sync-fault.ts", import.meta.url).href;
const event = (type: string, id?: string) => ({ id, type, source: "test" });

/** A service whose queue's syncs can be told to `hang` or to `fail`. */
async function onFaultyDisk(
  work: (service: ServiceProcess, say: (fault: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fault-"));
  const SYNC_FAULT = join(folder, "fault");
  const NODE_OPTIONS = `--disable-warning=ExperimentalWarning --import ${faultModule}`;
  const service = await ServiceProcess.create({ SYNC_FAULT, NODE_OPTIONS, LOG_LEVEL: "warn" });
  try {
    await service.start();
    await work(service, (fault) => writeFile(SYNC_FAULT, fault));
  } finally {
    await writeFile(SYNC_FAULT, "");
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

function send(service: ServiceProcess, body: object, headers = {}): Promise<Response> {
  return fetch(`${service.url}/api/v1/events${Array.isArray(body) ? "/batch" : ""}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** The same events with the ids that the refusal told. */
function withIds(body: object, { ids = [] }: Refusal): object {
  const told = new Map(ids.map(({ index, id }) => [index, id]));
  const named = (one: object, index: number) => ({
    ...one,
    ...(told.has(index) && { id: told.get(index) }),
  });
  return Array.isArray(body) ? body.map(named) : named(body, 0);
}

test.each(["hang", "fail"])(
  "syncs that %s: whoever sends hears in time what is known, and after a repeat with the same ids each event counts once",
  (fault) =>
    onFaultyDisk(async (service, say) => {
      expect((await send(service, event("warm.up"))).status).toBe(202);
      const requests = [
        { body: event("in.doubt") },
        { body: event("in.doubt", "named"), headers: { Prefer: "wait=10" } },
        { body: [event("in.doubt"), { type: 1 }, event("in.doubt", "in-batch")] },
        { body: Array.from({ length: 60 }, () => event("in.doubt")) },
      ];
      await say(fault);
      const refusals = await Promise.all(
        requests.map(async ({ body, headers }) => {
          const startedAt = performance.now();
          const response = await send(service, body, headers);
          expect(performance.now() - startedAt).toBeLessThan(15_000);
          expect(response.status).toBe(503);
          expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
          return (await response.json()) as Refusal;
        }),
      );
      const unknown = refusals.filter(({ type }) => type === "/problems/outcome-unknown");
      expect(unknown.length).toBeGreaterThan(0);
      for (const { type } of refusals) {
        expect(type).toMatch(/^\/problems\/(outcome-unknown|queue-unavailable)$/);
      }
      for (const [index, { type, ids }] of refusals.entries()) {
        const places = ids?.map((given) => given.index);
        if (type !== "/problems/outcome-unknown") continue;
        if (index === 0) expect(places).toEqual([0]);
        if (index === 1) expect(places).toBeUndefined();
        if (index === 2) expect(places).toEqual([0]);
        if (index === 3) expect(places).toHaveLength(60);
      }
      await say("");
      for (const [index, { body }] of requests.entries()) {
        await eventually(async () => {
          const { status } = await send(service, withIds(body, refusals[index]!));
          expect([202, 207]).toContain(status);
        });
      }
      await eventually(async () => {
        const counts = await fetch(`${service.url}/api/v1/events/counts?type=in.doubt`);
        expect(((await counts.json()) as { total: number }).total).toBe(64);
        const { stages } = (await (await fetch(`${service.url}/health`)).json()) as {
          stages: { processor: { backlog: number } };
        };
        expect(stages.processor.backlog).toBe(0);
      });
    }),
);
