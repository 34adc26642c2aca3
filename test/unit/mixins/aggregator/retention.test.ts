import { readConfig } from "../../../../lib/config.ts";
import { newJob, waiting } from "../../../../lib/store/job-progress.ts";
import { noProject, type JobPage, type KeptJob } from "../../../../lib/store/jobs.ts";
import { retentionKey } from "../../../../lib/store/retention.ts";
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
