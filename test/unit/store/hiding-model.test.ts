import { mistakes, worlds } from "../../model/hiding/cases.ts";
import { hiding } from "../../model/hiding/protocol.ts";
import { rules } from "../../model/hiding/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("hiding what is being erased", "shows it in no answer, and all else in every one", {
  protocol: hiding,
  rules,
  worlds,
  mistakes,
});
