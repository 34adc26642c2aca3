import { newAudit } from "../../../../lib/store/audit-job.ts";
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
