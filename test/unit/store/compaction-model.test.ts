import { mistakes, worlds } from "../../model/compaction/cases.ts";
import { compaction } from "../../model/compaction/protocol.ts";
import { rules } from "../../model/compaction/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("removing the deltas of old batches", "loses nothing and counts nothing twice", {
  protocol: compaction,
  rules,
  worlds,
  mistakes,
});
