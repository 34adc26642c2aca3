import { actsContract } from "./store-acts.contract.ts";
import { auditContract } from "./store-audit.contract.ts";
import { analyzeContract } from "./store-analyze.contract.ts";
import { appendContract } from "./store-append.contract.ts";
import { countsContract } from "./store-counts.contract.ts";
import { compactContract } from "./store-compact.contract.ts";
import { conditionsContract } from "./store-conditions.contract.ts";
import { coveredContract } from "./store-covered.contract.ts";
import { cutsContract } from "./store-cuts.contract.ts";
import { deltasContract } from "./store-deltas.contract.ts";
import { eraseContract } from "./store-erase.contract.ts";
import { eventsContract } from "./store-events.contract.ts";
import { farContract } from "./store-far.contract.ts";
import type { OnStore, OpenHarness, StoreTraits } from "./store-harness.ts";
import { hiddenContract } from "./store-hidden.contract.ts";
import { jobsContract } from "./store-jobs.contract.ts";
import { keysContract } from "./store-keys.contract.ts";
import { killedContract } from "./store-killed.contract.ts";
import { marksContract } from "./store-marks.contract.ts";
import { outageContract } from "./store-outage.contract.ts";
import { quarantineContract } from "./store-quarantine.contract.ts";
import { questionsContract } from "./store-questions.contract.ts";
import { ordersContract } from "./store-orders.contract.ts";
import { packContract } from "./store-pack.contract.ts";
import { retentionContract } from "./store-retention.contract.ts";
import { rollupsContract } from "./store-rollups.contract.ts";
import { sampleContract } from "./store-sample.contract.ts";
import { savedContract } from "./store-saved.contract.ts";
import { pagesContract } from "./store-pages.contract.ts";
import { storedContract } from "./store-stored.contract.ts";
import { textContract } from "./store-text.contract.ts";
import { sequencesContract } from "./store-sequences.contract.ts";
import { valuesContract } from "./store-values.contract.ts";

/** Every sentence of `lib/store/store.ts`, as tests, for any implementation. */
export function storeContract(
  name: string,
  openHarness: OpenHarness,
  traits: StoreTraits = {},
): void {
  const onStore: OnStore = (test) => async () => {
    const harness = await openHarness();
    try {
      await test(await harness.open(), harness);
    } finally {
      await harness.dispose();
    }
  };
  describe(`${name} keeps the store's contract`, () => {
    appendContract(onStore, traits);
    packContract(onStore);
    deltasContract(onStore);
    marksContract(onStore);
    rollupsContract(onStore);
    coveredContract(onStore);
    eraseContract(onStore, traits);
    ordersContract(onStore, traits);
    hiddenContract(onStore);
    auditContract(onStore, traits);
    compactContract(onStore, traits);
    retentionContract(onStore);
    jobsContract(onStore, traits);
    killedContract(onStore);
    eventsContract(onStore, traits);
    pagesContract(onStore, traits);
    storedContract(onStore);
    textContract(onStore);
    conditionsContract(onStore, traits);
    analyzeContract(onStore, traits);
    valuesContract(onStore);
    sampleContract(onStore);
    // An engine that scans for each query takes minutes with more values than a rollup keeps.
    if ((traits.many ?? Infinity) >= 1_500) {
      cutsContract(onStore);
      countsContract(onStore, traits);
    }
    farContract(onStore);
    questionsContract(onStore, traits);
    savedContract(onStore);
    keysContract(onStore);
    actsContract(onStore);
    quarantineContract(onStore);
    sequencesContract(onStore, traits);
    outageContract(onStore, traits);
  });
}
