import { newAudit } from "../../../../lib/store/audit-job.ts";
import type { ErasureQuestion } from "../../../../lib/questions/erasing.ts";
import { newErasure } from "../../../../lib/store/erasure-job.ts";
import type { JobPage, KeptJob } from "../../../../lib/store/jobs.ts";
import type { JobOutcome } from "../../../../lib/store/job-progress.ts";
import { JobsMixin } from "../../../../mixins/aggregator/jobs.mixin.ts";

const question = { erasure: { kind: "eraseEvent", id: "e" }, reusable: false } as const;
const range = { from: 0, to: 3_600_000 };
const audit = (id: string, project = "p") => newAudit(project, id, { range, repairs: true }, 0);
const erasure = (id: string, project = "q") => newErasure(project, id, question, 0);

type Lane = "erasing" | "counting";

/** The loops of a service whose store has some open jobs. */
function lanesOver(
  jobs: readonly KeptJob[],
  workOn: (job: KeptJob) => Promise<JobOutcome>,
): (lane: Lane) => Promise<"more" | void> {
  const openJobs = ({ limit, after = "" }: JobPage) =>
    Promise.resolve(jobs.filter(({ id }) => id > after).slice(0, limit));
  const service = {
    store: { openJobs },
    jobOwner: "a",
    isEnding: false,
    logger: { warn: () => undefined },
    workOn: (_: unknown, job: KeptJob) => workOn(job),
  };
  const methods = JobsMixin().methods as { workOnLane(lane: Lane): Promise<"more" | void> };
  return (lane) => methods.workOnLane.call(service, lane);
}

test("an erasure does not wait for another project's audit, however long that takes", async () => {
  const worked: string[] = [];
  let end: (outcome: JobOutcome) => void = () => undefined;
  const lane = lanesOver([audit("j1"), erasure("j2"), audit("j3")], (job) => {
    worked.push(job.id);
    if (job.id !== "j1") return Promise.resolve("done");
    return new Promise<JobOutcome>((resolve) => (end = resolve));
  });
  const counting = lane("counting");
  expect(await lane("erasing")).toBeUndefined();
  expect(worked.toSorted()).toEqual(["j1", "j2"]);
  end("left");
  expect(await counting).toBe("more");
  expect(worked).toContain("j3");
});

test("each of many jobs has its turn, also behind one that fails", async () => {
  const jobs = Array.from({ length: 1_001 }, (_, i) => erasure(`j${String(i).padStart(4, "0")}`));
  const worked: string[] = [];
  const lane = lanesOver(jobs, ({ id }) => {
    worked.push(id);
    return worked.length === 1 ? Promise.reject(new Error("away")) : Promise.resolve("done");
  });
  expect(await lane("erasing")).toBeUndefined();
  expect(worked).toEqual(jobs.map(({ id }) => id));
});

interface Begun {
  readonly kind: string;
}

/** Begins erasures in a service whose store has some open jobs. */
function erasingBeside(
  open: readonly KeptJob[],
): (question: ErasureQuestion, project?: string) => Promise<Begun> {
  const jobs = [...open];
  const nothing = () => Promise.resolve();
  const store = {
    openJobsOf: (project: string) => Promise.resolve(jobs.filter((job) => job.project === project)),
    putJob: (job: KeptJob) => Promise.resolve(void jobs.push(job)),
    fence: nothing,
  };
  const methods = JobsMixin().methods as {
    beginErasure(ctx: object, question: ErasureQuestion): Promise<Begun>;
  };
  const service = {
    ...methods,
    store,
    accepting: new Map(),
    lanes: {},
    logger: { info: () => undefined },
    administered: <T>(_ctx: object, _act: object, perform: () => Promise<T>) => perform(),
  };
  return (asked, project = "p") => methods.beginErasure.call(service, { meta: { project } }, asked);
}

const byFilter: ErasureQuestion = {
  erasure: { kind: "eraseEvents", filter: { types: ["a"] } },
  reusable: false,
};
const person = (userId: string): ErasureQuestion => ({
  erasure: { kind: "eraseSubject", userId },
  reusable: false,
});

/** How many of some requests are accepted, where the others are refused as too many. */
async function acceptedOf(asked: readonly Promise<Begun>[]): Promise<number> {
  const outcomes = await Promise.allSettled(asked);
  for (const one of outcomes) {
    if (one.status === "rejected") expect(one.reason).toMatchObject({ type: "TOO_MANY_REQUESTS" });
  }
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

test("no more erasures are open than may be, however many are asked for at once", async () => {
  const filtered = erasingBeside([erasure("j1", "p")]);
  const asked = Array.from({ length: 50 }, () => filtered(byFilter));
  expect(await acceptedOf([...asked, filtered(byFilter, "other")])).toBe(21);
  expect(await acceptedOf([filtered(byFilter), filtered(person("u"))])).toBe(1);

  const many = erasingBeside(Array.from({ length: 990 }, (_, i) => erasure(`j${i}`, "p")));
  expect(await acceptedOf(Array.from({ length: 30 }, (_, i) => many(person(`u${i}`))))).toBe(10);
});
