import { mistakes, worlds } from "../../model/retention/cases.ts";
import { retention } from "../../model/retention/protocol.ts";
import { rules } from "../../model/retention/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("a floor below which all is dropped but the hour", "loses nothing that was counted", {
  protocol: retention,
  rules,
  worlds,
  mistakes,
});
