import { consumerContract } from "./queue-consumer.contract.ts";
import { deadLettersContract } from "./queue-dead.contract.ts";
import { depthContract } from "./queue-depth.contract.ts";
import type { DurableQueue } from "../../lib/queue/queue.ts";
import { outcomesContract } from "./queue-outcomes.contract.ts";
import { publishContract } from "./queue-publish.contract.ts";
import type {
  OpenHarness,
  QueueHarness,
  QueueHarnessOptions,
  QueueTraits,
} from "./queue-harness.ts";

/** Runs a test on an empty queue, opened once, and removes it afterwards. */
export type OnQueue = (
  test: (queue: DurableQueue, harness: QueueHarness) => Promise<void>,
  options?: QueueHarnessOptions,
) => () => Promise<void>;

/** Every sentence of `lib/queue/queue.ts`, as tests, for any implementation. */
export function queueContract(name: string, openHarness: OpenHarness, traits: QueueTraits): void {
  const onQueue: OnQueue =
    (test, options = {}) =>
    async () => {
      const harness = await openHarness(options);
      try {
        await test(await harness.open(), harness);
      } finally {
        await harness.dispose();
      }
    };
  describe(`${name} keeps the queue's contract`, () => {
    publishContract(onQueue, traits);
    depthContract(onQueue, traits);
    consumerContract(onQueue);
    outcomesContract(onQueue);
    deadLettersContract(onQueue);
  });
}
