import { readListQuestion } from "../../../../lib/questions/lists/list.ts";
import { readQueryQuestion } from "../../../../lib/questions/query/question.ts";
import { parseJson } from "../../../../lib/event/plain-json.ts";
import { pointersOf } from "../../../support/findings-of.ts";

/** Numbers that a double does not keep, and what a double keeps. */
const lost = ["9007199254740993", "-9007199254740992", "1e400", "1e-400", "5e-324"];
const kept = ["9007199254740991", "-1.5e-300", "0e-400", "0"];

describe("a filter of a body", () => {
  const asked = (filter: string) => () => readQueryQuestion(parseJson(`{"filters":${filter}}`));

  test.each(lost)("never compares with another number than %s", (number) => {
    for (const op of ["gt", "gte", "lt", "lte", "is", "is_not"]) {
      expect(pointersOf(asked(`["${op}","data.n",${number}]`))).toEqual(["/filters/2"]);
    }
    expect(pointersOf(asked(`["and",["is","data.n",["a",${number}]]]`))).toEqual(["/filters/1/2"]);
  });

  test.each(kept)("compares with %s", (number) => {
    expect(pointersOf(asked(`["gte","data.n",${number}]`))).toEqual([]);
    expect(pointersOf(asked(`["is","data.n",[${number}]]`))).toEqual([]);
  });
});

describe("a parameter", () => {
  test.each(lost)("never compares with another number than %s", (number) => {
    expect(pointersOf(() => readListQuestion({ "data.n": { gte: number } }))).toEqual(["data.n"]);
    // An id of many digits that was sent as a text.
    expect(readListQuestion({ "data.n": number }).filter.where).toEqual([
      { path: ["data", "n"], op: "is", values: [number] },
    ]);
    const typed: unknown = parseJson(number);
    expect(pointersOf(() => readListQuestion({ "data.n": typed }))).toEqual(["data.n"]);
    expect(pointersOf(() => readListQuestion({ "data.n": { lt: typed } }))).toEqual(["data.n"]);
  });

  test.each(kept)("compares with %s", (number) => {
    expect(readListQuestion({ "data.n": { lt: number } }).filter.where).toEqual([
      { path: ["data", "n"], op: "lt", value: Number(number) },
    ]);
  });
});
