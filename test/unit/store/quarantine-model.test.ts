import { mistakes, worlds } from "../../model/quarantine/cases.ts";
import { quarantine } from "../../model/quarantine/protocol.ts";
import { rules } from "../../model/quarantine/rules.ts";
import { modelTests } from "../../model/model-tests.ts";

modelTests("an event in quarantine", "comes out as it was mended, once, or is gone", {
  protocol: quarantine,
  rules,
  worlds,
  mistakes,
});
