import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { Retention } from "../../lib/counting/floors.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { carryOutAudit, newAudit, type AuditState } from "../../lib/store/audit-job.ts";
import { carryOut, newErasure, type ErasureState } from "../../lib/store/erasure-job.ts";
import type { KeptJob } from "../../lib/store/jobs.ts";
import { stateOf, type Worker } from "../../lib/store/job-progress.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import {
  carryOutRetention,
  graceMs,
  retentionKey,
  setRetention,
} from "../../lib/store/retention.ts";
import type { EventStore } from "../../lib/store/store.ts";
import {
  always,
  day,
  dayMs,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

const forEver: Retention = { events: null, minutes: null, hours: null, days: null, types: {} };

/** Whoever carries out a job dies with one of these calls: it was carried out, and nobody is told. */
const deaths = [1, 2, 3, 5, 9, 16];

class Death extends Error {}

/** A store whose user dies with a call. */
function until(store: EventStore, calls: number): EventStore {
  let left = calls;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      // That one answers at once, of what is known.
      if (name === "leavesOut") return value.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        left -= 1;
        if (left < 0) throw new Death();
        const result: unknown = await Reflect.apply(value, target, args);
        if (left === 0) throw new Death();
        return result;
      };
    },
  });
}

/** Carries out a job that its first worker leaves by dying; another one finds it as it was kept. */
async function throughDeath(
  store: EventStore,
  [project, id]: readonly [string, string],
  calls: number,
  work: (worker: Worker, job: KeptJob) => Promise<unknown>,
): Promise<KeptJob> {
  const found = async () => (await store.job(project, id))!;
  const worker = { owner: "a", now: () => day + dayMs, isEnding: () => false };
  try {
    await work({ ...worker, store: until(store, calls) }, await found());
  } catch (error) {
    if (!(error instanceof Death)) throw error;
  }
  await work({ ...worker, store, owner: "b" }, await found());
  return found();
}

function keep(to: EventStore, batch: string, events: readonly StoredEvent[]) {
  const own = events.map((one) => ({ ...one, batch }));
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, builtInDimensions);
  const done = { batch, project: "p", events: own, deltas: count(own) };
  return storeBatch(to, done, (owned) => Promise.resolve(count(owned)));
}

const counted = async (store: EventStore, grain: "minute" | "day") => {
  const rows = await store.rollups("p", grain, [always], "types");
  return rows.map(({ cells }) => cells["mail.opened"] ?? 0);
};

/** Jobs whose worker is killed at any step. */
export function killedContract(onStore: OnStore): void {
  describe("a job whose worker dies", () => {
    test(
      "of erasing takes out what it was to, and nothing else",
      onStore(async (it) => {
        for (const [at, calls] of deaths.entries()) {
          const of = (id: string, user: string, timestamp = minute) =>
            event(`${at}${id}`, { timestamp, metadata: { userId: `${user}${at}` } });
          const events = [of("a", "u"), of("b", "u", minute + minuteMs), of("c", "v")];
          await keep(it, `b${at}`, events);
          const erasure = { kind: "eraseSubject", userId: `u${at}` } as const;
          await it.putJob(newErasure("p", `j${at}`, { erasure, reusable: false }, day + dayMs));
          const job = await throughDeath(it, ["p", `j${at}`], calls, (worker, kept) =>
            carryOut(worker, kept, { erased: () => undefined }),
          );
          const { erased, status } = stateOf<ErasureState>(job);
          expect([status, erased]).toEqual(["done", 2]);
          await rollUpAll(it, 100);
          expect(await counted(it, "day")).toEqual([at + 1]);
          expect(await it.countEvents({ project: "p" })).toBe(at + 1);
        }
      }),
    );

    test(
      "of auditing or rebuilding is gone on with hour by hour, none twice",
      onStore(async (it) => {
        const end = hour + hourMs;
        const [last, later] = [{ timestamp: end - 1 }, { timestamp: end }];
        await keep(it, "b1", [event("a", last), event("b", later), event("c", later)]);
        await rollUpAll(it, 100);
        const range = { from: end - minuteMs, to: end + minuteMs };
        for (const calls of deaths) {
          for (const kind of ["auditCounts", "rebuildRollups"] as const) {
            const id = `${kind}${calls}`;
            await it.putJob(newAudit("p", id, { range, repairs: true }, day + dayMs, kind));
            const job = await throughDeath(it, ["p", id], calls, (worker, kept) =>
              carryOutAudit(worker, kept, () => undefined),
            );
            const { status, rebuilt, found, doneUntil } = stateOf<AuditState>(job);
            expect([status, doneUntil]).toEqual(["done", range.to]);
            if (kind === "rebuildRollups") expect(rebuilt).toBe(2);
            else expect(found).toMatchObject({ buckets: 2, drifted: 0 });
          }
        }
        await rollUpAll(it, 100);
        expect(await counted(it, "day")).toEqual([3]);
      }),
    );

    test(
      "of retention drops what it was to, and no count",
      onStore(async (it) => {
        for (const [at, calls] of deaths.entries()) {
          const start = day + at * 10 * dayMs;
          await keep(it, `b${at}`, [
            event(`${at}a`, { timestamp: start }),
            event(`${at}b`, { timestamp: start + minuteMs }),
          ]);
          await rollUpAll(it, 100);
          await setRetention(it, "p", { ...forEver, events: 2, minutes: 2 }, day);
          const pass = (now: number) =>
            throughDeath(it, retentionKey("p"), calls, (worker, kept) =>
              carryOutRetention({ ...worker, now: () => now }, kept, forEver),
            );
          const now = start + 5 * dayMs;
          await pass(now);
          await pass(now + graceMs);
          await pass(now + graceMs);
          expect(await it.countEvents({ project: "p" })).toBe(0);
          expect(await counted(it, "minute")).toEqual([]);
          expect(await counted(it, "day")).toEqual(Array.from({ length: at + 1 }, () => 2));
        }
      }),
    );
  });
}
