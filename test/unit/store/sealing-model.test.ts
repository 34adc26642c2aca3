import { mistakes, worlds } from "../../model/sealing/cases.ts";
import { sealing } from "../../model/sealing/protocol.ts";
import { rules } from "../../model/sealing/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("segments of columns", "hold each event once, and so do answers", {
  protocol: sealing,
  rules,
  worlds,
  mistakes,
});
