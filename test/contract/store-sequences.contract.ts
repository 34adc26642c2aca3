import fc from "fast-check";
import { foldOf } from "../../lib/questions/folds.ts";
import { actorsEvents } from "../support/actors-events.ts";
import { matchesFilter } from "../support/filtered.ts";
import { foldOver } from "../support/fold-over.ts";
import { retentionStepMs, sequenceJobs } from "../support/jobs.ts";
import type { OnStore, StoreTraits } from "./store-harness.ts";

/** `analyze` of what users did one after the other. */
export function sequencesContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  test(
    "funnels, retention and paths are those of the events in memory (any events, any question)",
    onStore(async (store) => {
      let runsSoFar = 0;
      await fc.assert(
        fc.asyncProperty(
          actorsEvents(retentionStepMs, 60),
          fc.array(sequenceJobs, { minLength: 10, maxLength: 10 }),
          async (drawn, questions) => {
            const project = `p${++runsSoFar}`;
            await store.append(
              "b",
              drawn.map((event) => ({ ...event, project, batch: "b" })),
            );
            for (const [job, filter] of questions) {
              const { result, events } = await store.analyze({ ...filter, project }, job, {
                timeoutMs: 60_000,
              });
              const read = drawn.filter(matchesFilter(filter));
              expect(events).toBe(read.length);
              expect(result).toEqual(foldOver(foldOf(job), read));
            }
          },
        ),
        { numRuns: runs },
      );
    }),
  );
}
