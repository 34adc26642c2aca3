import { readConfig } from "../../../../lib/config.ts";
import { floorsAt, noFloors } from "../../../../lib/counting/floors.ts";
import { newJob, waiting, type Worker } from "../../../../lib/store/job-progress.ts";
import { noProject, type JobPage, type KeptJob } from "../../../../lib/store/jobs.ts";
import { graceMs, retentionKey, type RetentionState } from "../../../../lib/store/retention.ts";
import { RetentionMixin } from "../../../../mixins/aggregator/retention.mixin.ts";

test("every project's retention has its turn, and those that dropped something have another soon", async () => {
  const jobs = Array.from({ length: 1_001 }, (_, i) =>
    newJob(...retentionKey(`p${String(i).padStart(4, "0")}`), waiting(0)),
  );
  const openJobsOf = (project: string, { limit, after = "" }: JobPage) =>
    Promise.resolve(
      project === noProject ? jobs.filter(({ id }) => id > after).slice(0, limit) : [],
    );
  let retained: string[] = [];
  let dropped = 0;
  const service = {
    store: { openJobsOf },
    retentionOwner: "a",
    isRetentionEnding: false,
    beginRetentions: () => Promise.resolve(),
    retain: (_: unknown, { id }: KeptJob) => {
      retained.push(id);
      return Promise.resolve(dropped);
    },
  };
  const { methods } = RetentionMixin(readConfig({}));
  const own = methods as { retainAll(): Promise<"more" | void> };
  expect(await own.retainAll.call(service)).toBeUndefined();
  expect(retained).toEqual(jobs.map(({ id }) => id));
  retained = [];
  dropped = 1;
  expect(await own.retainAll.call(service)).toBe("more");
});

test("a retention that waits for an erasure for an hour is told, once until it has gone on", async () => {
  const retention = { events: 2, minutes: null, hours: null, days: null, types: {} };
  const refused = floorsAt(retention, Date.now());
  const heldUp: RetentionState = {
    ...waiting(0),
    kind: "retention",
    project: "p",
    retention,
    refused,
    refusedSince: Date.now() - 7 * graceMs,
    sealed: noFloors,
    lost: noFloors,
    lostFrom: null,
    dropping: false,
  };
  const written: RetentionState[] = [];
  let open = [newJob("p", "j", { ...waiting(0), erasure: {} } as never)];
  const store = {
    putJob: ({ state }: KeptJob) => Promise.resolve(written.push(JSON.parse(state) as never) > 0),
    marks: () => Promise.resolve({ minute: [], hour: [], day: [] }),
    openJobsOf: () => Promise.resolve(open),
    below: () => Promise.resolve({ lost: noFloors, from: null }),
    drop: () => Promise.resolve(0),
  };
  const said: string[] = [];
  const service = {
    ...(RetentionMixin(readConfig({})).methods as { retain(...args: unknown[]): Promise<number> }),
    heldUpRetentions: new Set<string>(),
    logger: { warn: (_: object, phrase: string) => said.push(phrase) },
  };
  const worker = { store, owner: "a", now: Date.now, isEnding: () => false } as unknown as Worker;
  const retain = (state: Partial<RetentionState>) =>
    service.retain(worker, newJob(...retentionKey("p"), { ...heldUp, ...state }));
  await retain({ refusedSince: Date.now() - 2 * graceMs });
  expect(said).toEqual([]);
  await retain({});
  await retain({});
  const told = "a retention waits: an erasure is open, or counts that it needs are not rolled up";
  expect(said).toEqual([told]);
  expect(written.map(({ sealed }) => sealed)).not.toContainEqual(refused);
  open = [newJob("p", "k", { ...waiting(0), kind: "auditCounts" } as never)];
  await retain({});
  expect(written.at(-1)!.sealed).toEqual(refused);
  await retain({ sealed: refused });
  await retain({});
  expect(said).toEqual([told, told]);
});
