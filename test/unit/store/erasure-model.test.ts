import { mistakes, worlds } from "../../model/erasure/cases.ts";
import { erasure } from "../../model/erasure/protocol.ts";
import { rules } from "../../model/erasure/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("erasing an event", "leaves it nowhere, and all others counted once", {
  protocol: erasure,
  rules,
  worlds,
  mistakes,
});
