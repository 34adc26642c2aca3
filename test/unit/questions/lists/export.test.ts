import { readExportQuestion } from "../../../../lib/questions/lists/export.ts";
import { pointersOf } from "../../../support/findings-of.ts";

test("a byte order mark is asked for with CSV, as a parameter or typed", () => {
  expect(readExportQuestion({ format: "csv", bom: "true" }).text.bom).toBe(true);
  expect(readExportQuestion({ format: "csv", bom: true }).text.bom).toBe(true);
  expect(readExportQuestion({ format: "csv", bom: "false" }).text.bom).toBeUndefined();
  expect(readExportQuestion({}).text.bom).toBeUndefined();
});

test.each([{ bom: "true" }, { format: "ndjson", bom: "true" }, { format: "csv", bom: "1" }])(
  "%j is refused",
  (raw) => {
    expect(pointersOf(() => readExportQuestion(raw))).toEqual(["bom"]);
  },
);
