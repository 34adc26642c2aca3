import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { noFloors, type Retention } from "../../lib/counting/floors.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { auditNext, carryOutAudit, newAudit } from "../../lib/store/audit-job.ts";
import { carryOut, newErasure } from "../../lib/store/erasure-job.ts";
import { hiddenOfAll } from "../../lib/store/hidden.ts";
import { everyOpenJob, noProject, type KeptJob } from "../../lib/store/jobs.ts";
import {
  isFree,
  newJob,
  stateOf,
  waiting,
  type JobOutcome,
  type Worker,
} from "../../lib/store/job-progress.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import {
  carryOutRetention,
  everyRetention,
  graceMs,
  retentionKey,
  retentionOf,
  setRetention,
} from "../../lib/store/retention.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import {
  day,
  dayMs,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

const forEver: Retention = { events: null, minutes: null, hours: null, days: null, types: {} };
/** Often, so that tests need not wait, and not so often that a store does nothing else. */
const renewEveryMs = 50;
const ofUser = { erasure: { kind: "eraseSubject", userId: "u" }, reusable: false } as const;

function keep(to: EventStore, batch: string, events: readonly StoredEvent[]) {
  const own = events.map((one) => ({ ...one, batch }));
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, builtInDimensions);
  const done = { batch, project: "p", events: own, deltas: count(own) };
  return storeBatch(to, done, (owned) => Promise.resolve(count(owned)));
}

/** Events of a user, one in each minute. */
function inMinutes(many: number): readonly StoredEvent[] {
  return Array.from({ length: many }, (_, i) =>
    event(`e${i}`, { timestamp: hour + i * minuteMs, metadata: { userId: "u" } }),
  );
}

type Verb = "recount" | "recounted" | "drop" | "putJob";

/** A store of which something happens before each call of a verb, and after it. */
function around(
  store: EventStore,
  verb: Verb,
  before: () => Promise<void>,
  after: (result: unknown) => void = () => undefined,
): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== verb) return value.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        await before();
        const result: unknown = await Reflect.apply(value, target, args);
        after(result);
        return result;
      };
    },
  });
}

/** Kinds of jobs, each with a verb that its steps call. */
interface Kind {
  readonly verb: Verb;
  /** Makes a job for which there is something to do. @returns its key and the time */
  readonly begin: (
    store: EventStore,
  ) => Promise<readonly [project: string, id: string, now: number]>;
  readonly work: (worker: Worker, job: KeptJob) => Promise<unknown>;
}

async function beginCounting(
  store: EventStore,
  kind: "auditCounts" | "rebuildRollups",
  minutes: number,
) {
  const range = { from: hour, to: hour + minutes * minuteMs };
  const question = { range, repairs: true };
  await store.putJob(newAudit("p", "j", question, day + dayMs, kind));
  return ["p", "j", day + dayMs] as const;
}

const kinds: Readonly<Record<string, Kind>> = {
  audit: {
    verb: "recounted",
    begin: (store) => beginCounting(store, "auditCounts", 2),
    work: (worker, job) => carryOutAudit(worker, job, () => undefined),
  },
  rebuild: {
    verb: "recount",
    begin: (store) => beginCounting(store, "rebuildRollups", 60),
    work: (worker, job) => carryOutAudit(worker, job, () => undefined),
  },
  erasure: {
    verb: "recount",
    async begin(store) {
      await store.putJob(newErasure("p", "j", ofUser, day + dayMs));
      return ["p", "j", day + dayMs];
    },
    work: (worker, job) => carryOut(worker, job, { erased: () => undefined }),
  },
  retention: {
    verb: "drop",
    async begin(store) {
      const now = day + 9 * dayMs;
      await setRetention(store, "p", { ...forEver, events: 2 }, now);
      const job = (await store.job(...retentionKey("p")))!;
      const worker = { store, owner: "a", now: () => now, isEnding: () => false };
      await carryOutRetention(worker, job, forEver);
      return [...retentionKey("p"), now + graceMs];
    },
    work: (worker, job) => carryOutRetention(worker, job, forEver),
  },
};

/** `putJob` to `openJobsOf`, and the workers that share jobs. */
export function jobsContract(onStore: OnStore, { many = Infinity }: StoreTraits): void {
  describe("jobs", () => {
    test(
      "are kept, revision by revision, and found while they are open",
      onStore(async (it) => {
        const job = { project: "p", id: "j1", revision: 1, isOpen: true, state: "{}" };
        expect(await it.putJob({ ...job, revision: 2 })).toBe(false);
        expect(await it.putJob(job)).toBe(true);
        expect(await it.putJob(job)).toBe(false);
        expect(await it.putJob({ ...job, id: "j2" })).toBe(true);
        expect(await it.putJob({ ...job, project: "q", id: "j0" })).toBe(true);
        expect((await it.openJobs({ limit: 10 })).map(({ id }) => id)).toEqual(["j0", "j1", "j2"]);
        const next = { ...job, revision: 2, isOpen: false, state: '{"a":1}' };
        expect(await it.putJob(next)).toBe(true);
        expect(await it.putJob(next)).toBe(false);
        expect(await it.job("p", "j1")).toEqual(next);
        expect(await it.job("q", "j1")).toBeUndefined();
        expect((await it.openJobs({ limit: 1 })).map(({ id }) => id)).toEqual(["j0"]);
        expect((await it.jobs("p", 10)).map(({ id }) => id)).toEqual(["j2", "j1"]);
      }),
    );

    test(
      "that are open are found page by page, those of no project apart",
      onStore(async (it) => {
        const job = { revision: 1, isOpen: true, state: "{}" };
        const keys = [
          ["p", "j1"],
          ["q", "j2"],
          [noProject, "j0"],
          [noProject, "j3"],
          ["p", "j4"],
        ] as const;
        for (const [project, id] of keys) await it.putJob({ ...job, project, id });
        const shown = (some: readonly KeptJob[]) => some.map(({ id }) => id);
        expect(shown(await it.openJobs({ limit: 10 }))).toEqual(["j1", "j2", "j4"]);
        expect(shown(await it.openJobs({ limit: 2 }))).toEqual(["j1", "j2"]);
        expect(shown(await it.openJobs({ limit: 1, after: "j1" }))).toEqual(["j2"]);
        expect(shown(await it.openJobs({ limit: 2, after: "j4" }))).toEqual([]);
        expect(shown(await it.openJobsOf("p"))).toEqual(["j1", "j4"]);
        expect(shown(await it.openJobsOf(noProject))).toEqual(["j0", "j3"]);
        expect(shown(await it.openJobsOf(noProject, { limit: 1 }))).toEqual(["j0"]);
        const behind = { limit: 2, after: "j0" };
        expect(shown(await it.openJobsOf(noProject, behind))).toEqual(["j3"]);
      }),
    );

    test(
      "are all looked at, however many there are",
      onStore(async (it) => {
        const length = many < 1_000 ? 401 : 1_001;
        const names = Array.from({ length }, (_, i) => `p${String(i).padStart(4, "0")}`);
        const erasure = { kind: "eraseSubject", userId: "u" } as const;
        for (let at = 0; at < names.length; at += 50) {
          await Promise.all(
            names
              .slice(at, at + 50)
              .flatMap((name) => [
                setRetention(it, name, { ...forEver, events: 2 }, day),
                it.putJob(newErasure(name, `j ${name}`, { erasure, reusable: false }, day)),
              ]),
          );
        }
        const retained: string[] = [];
        for await (const { id } of everyRetention(it)) retained.push(id);
        expect(retained).toEqual(names.map((name) => retentionKey(name)[1]));
        const open: string[] = [];
        for await (const { project } of everyOpenJob(it)) open.push(project);
        expect(open).toEqual(names);
        expect((await hiddenOfAll(it)).size).toBe(names.length);
        // The last one's retention waits for the erasure of its project.
        const last = retentionKey(names.at(-1)!);
        for (const now of [day, day + graceMs]) {
          const worker = { store: it, owner: "a", now: () => now, isEnding: () => false };
          await carryOutRetention(worker, (await it.job(...last))!, forEver);
        }
        expect((await retentionOf(it, names.at(-1)!))?.sealed).toEqual(noFloors);
      }),
    );

    for (const [kind, { verb, begin, work }] of Object.entries(kinds)) {
      test(
        `of ${kind} stay with their worker, however long a step takes`,
        onStore(async (it) => {
          await keep(it, "b", inMinutes(2));
          await rollUpAll(it, 100);
          const [project, id, begun] = await begin(it);
          const kept = async () => (await it.job(project, id))!;
          let now = begun;
          let others = 0;
          const worker = { now: () => now, isEnding: () => false, renewEveryMs };
          const longStep = async () => {
            for (let passed = 0; passed < 30_000; passed += 5_000) {
              now += 5_000;
              await eventually(async () => {
                expect(stateOf(await kept()).updatedAt).toBe(now);
              }, 10_000);
              if (!isFree(await kept(), "b", now)) continue;
              others += 1;
              await work({ ...worker, store: it, owner: "b" }, await kept());
            }
          };
          await work({ ...worker, store: around(it, verb, longStep), owner: "a" }, await kept());
          expect(now).toBeGreaterThanOrEqual(begun + 30_000);
          expect(others).toBe(0);
          const { status, owner } = stateOf(await kept());
          expect([status, owner]).toEqual([kind === "retention" ? "running" : "done", null]);
        }),
      );
    }

    for (const kind of ["rebuild", "erasure"] as const) {
      test(
        `of ${kind} are left in the midst of a step by a worker that lost them`,
        onStore(async (it) => {
          const { begin, work } = kinds[kind]!;
          // More than are counted anew at a time, unless each takes a server very long.
          const most = kind === "rebuild" ? 15 : 110;
          const events = inMinutes(many < 1_000 ? 2 : most);
          await keep(it, "b", events);
          const [project, id, now] = await begin(it);
          let lost = 0;
          let steps = 0;
          const steal = async () => {
            steps += 1;
            // Repeated where the worker renewed its lease between.
            await eventually(async () => {
              const job = (await it.job(project, id))!;
              const state = JSON.stringify({ ...stateOf(job), owner: "b" });
              expect(await it.putJob({ ...job, revision: job.revision + 1, state })).toBe(true);
            });
            await eventually(() => expect(lost).toBeGreaterThan(0), 10_000);
          };
          const told = around(
            it,
            "putJob",
            () => Promise.resolve(),
            (isPut) => (lost += isPut === false ? 1 : 0),
          );
          const worker = { owner: "a", now: () => now, isEnding: () => false, renewEveryMs };
          const store = around(told, "recount", steal);
          const outcome = await work({ ...worker, store }, (await it.job(project, id))!);
          expect([outcome, steps]).toEqual(["lost", 1]);
          expect(stateOf((await it.job(project, id))!).owner).toBe("b");
          // The other one finishes it.
          await work({ ...worker, store: it, owner: "b" }, (await it.job(project, id))!);
          expect(stateOf((await it.job(project, id))!).status).toBe("done");
        }),
      );
    }

    test(
      "are left after each step by a worker whose turn is over, and gone on with",
      onStore(async (it) => {
        await keep(it, "b1", inMinutes(3));
        await keep(it, "b2", [event("later", { timestamp: hour + hourMs })]);
        await rollUpAll(it, 100);
        const worker = {
          store: it,
          owner: "a",
          now: () => day + dayMs,
          isEnding: () => false,
          turnMs: 0,
        };
        const range = { from: hour + 59 * minuteMs, to: hour + 61 * minuteMs };
        await it.putJob(newAudit("p", "audit", { range, repairs: true }, day + dayMs));
        await it.putJob(newErasure("p", "erasure", ofUser, day + dayMs));
        const outcomesOf = async (id: string, work: (job: KeptJob) => Promise<JobOutcome>) => {
          const outcomes: JobOutcome[] = [];
          while (outcomes.at(-1) !== "done" && outcomes.length < 40) {
            outcomes.push(await work((await it.job("p", id))!));
            expect(stateOf((await it.job("p", id))!).owner).toBeNull();
          }
          return outcomes;
        };
        const audited = await outcomesOf("audit", (job) =>
          carryOutAudit(worker, job, () => undefined),
        );
        expect(audited).toContain("left");
        expect(audited.at(-1)).toBe("done");
        const erased = await outcomesOf("erasure", (job) =>
          carryOut(worker, job, { erased: () => undefined }),
        );
        expect(erased).toContain("left");
        expect(erased.at(-1)).toBe("done");
        expect(await it.countEvents({ project: "p" })).toBe(1);
      }),
    );

    test(
      "are free, and rounds go on, where the clock was set back",
      onStore(async (it) => {
        const ahead = day + 3 * dayMs;
        const held = newJob("p", "j", { ...waiting(ahead), owner: "a" });
        expect(isFree(held, "b", ahead + 20_000)).toBe(false);
        expect(isFree(held, "b", ahead - 5_000)).toBe(false);
        expect(isFree(held, "b", day + dayMs)).toBe(true);
        await keep(it, "b", inMinutes(2));
        const auditor = (now: number) =>
          auditNext({ store: it, owner: "", now: () => now, isEnding: () => true }, 60_000);
        expect((await auditor(ahead))?.hour.start).toBe(hour);
        expect(await auditor(ahead + 1)).toBeUndefined();
        expect(await auditor(day + 2 * dayMs)).toBeDefined();
      }),
    );

    test(
      "of retention begin their grace anew where the clock was set back",
      onStore(async (it) => {
        await keep(it, "b", [event("a", { timestamp: minute })]);
        await rollUpAll(it, 100);
        await setRetention(it, "p", { ...forEver, events: 1 }, day);
        const pass = async (now: number) => {
          const worker = { store: it, owner: "a", now: () => now, isEnding: () => false };
          return carryOutRetention(worker, (await it.job(...retentionKey("p")))!, forEver);
        };
        const [ahead, now] = [day + 6 * dayMs, day + 5 * dayMs];
        expect(await pass(ahead)).toBe(0);
        expect(await pass(now)).toBe(0);
        expect(await retentionOf(it, "p")).toMatchObject({ refusedSince: now, owner: null });
        expect(await pass(now + graceMs - 1)).toBe(0);
        expect(await pass(now + graceMs)).toBeGreaterThan(0);
      }),
    );
  });
}
