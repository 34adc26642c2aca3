import { relative } from "node:path";
import sequencing from "@jest/test-sequencer";

/** The package's types are of what `require` returns; `import` gives the class itself. */
const TestSequencer = sequencing as unknown as typeof sequencing.default;

type Tests = Parameters<InstanceType<typeof TestSequencer>["sort"]>[0];

/**
 * The seconds that the longest files take in `.ci/run` on two processors. Jest itself orders by the
 * times of the run before, of which a clean clone has none, and then by the sizes of files; but a
 * file that only calls a contract is small and long.
 */
export const secondsOf: Readonly<Record<string, number>> = {
  "integration/page.test.ts": 340,
  "integration/store.mongo.test.ts": 300,
  "integration/cluster.test.ts": 150,
  "integration/chaos.test.ts": 112,
  "integration/cluster-in-doubt.test.ts": 86,
  "integration/cluster-reads.test.ts": 78,
  "integration/queue.rabbitmq-broker.test.ts": 75,
  "integration/cluster-restart.test.ts": 70,
  "integration/queue.rabbitmq.test.ts": 58,
  "integration/queue.rabbitmq-open.test.ts": 38,
  "integration/cluster-outages.test.ts": 32,
  "e2e/any-request.test.ts": 258,
  "contract/store.sqlite.test.ts": 155,
  "unit/store/protocol-model.test.ts": 68,
  "e2e/shop-log.test.ts": 67,
  "contract/store.sqlite-kill.test.ts": 65,
  "types/services.test.ts": 55,
  "unit/store/erasure-model.test.ts": 52,
  "e2e/pressure.test.ts": 47,
  "unit/store/fold-model.test.ts": 43,
  "e2e/repl-commands.test.ts": 43,
  "e2e/backup.test.ts": 41,
  "e2e/upgrade.test.ts": 41,
  "unit/cluster/read-again.test.ts": 39,
  "e2e/kill.test.ts": 36,
  "e2e/erasing.test.ts": 35,
  "contract/queue.embedded-kill.test.ts": 31,
  "unit/store/compaction-model.test.ts": 31,
  "e2e/data-folder.test.ts": 27,
  "unit/store/sealing-model.test.ts": 25,
};

/** Starts the longest files first, so that none is left to a single worker at the end. */
export default class LongestFirst extends TestSequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const sorted = await super.sort(tests);
    const isNew = ({ duration }: Tests[number]) => duration === undefined;
    const known = ({ path }: Tests[number]) => secondsOf[relative(import.meta.dirname, path)] ?? 0;
    const longest = sorted.filter(isNew).toSorted((a, b) => known(b) - known(a));
    return sorted.map((test) => (isNew(test) ? longest.shift()! : test));
  }
}
