import { mistakes, worlds } from "../../model/merging/cases.ts";
import { merging } from "../../model/merging/protocol.ts";
import { rules } from "../../model/merging/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("merged segments", "a bundle holds what its segments hold, and so do answers", {
  protocol: merging,
  rules,
  worlds,
  mistakes,
});
