import type { Reason } from "../../../lib/questions/answer-meta.ts";
import { exactInWords, isCut, isInexact } from "../../../page/pure/inexact.ts";

const told = (...because: readonly Reason[]) => ({ because });
const all: Readonly<Record<Reason, "word" | "cut">> = {
  damaged: "word",
  erasing: "word",
  other: "word",
  retention: "word",
  rowsLeftOut: "cut",
  sampled: "word",
  sketch: "word",
  valuesCut: "cut",
};

test.each(Object.entries(all) as [Reason, string][])("%s has words of its own", (reason, kind) => {
  const words = exactInWords([told(reason)]);
  expect([isCut(told(reason)), words === "Exact"]).toEqual([kind === "cut", kind === "cut"]);
  expect(words).not.toBe(reason);
});

test("every answer of what is shown is told of, the range before apart", () => {
  expect(exactInWords([{}, undefined], [{}])).toBe("Exact");
  expect(exactInWords([{}], [told("retention")])).toBe(
    "Exact, but not the range before: What is older than it is kept is missing",
  );
  expect(exactInWords([{}, told("other")], [told("other", "retention")])).toBe(
    "(other) gathers what is beyond 1,000 values. Of the range before: What is older than it is kept is missing",
  );
});

test("estimates are users and quantiles; what is lost makes any number wrong", () => {
  const metrics = ["count", "uniques", "p95:data.amount", "avg:data.amount"];
  const inexact = (...because: readonly Reason[]) =>
    metrics.map((metric) => isInexact(metric, [{}, told(...because)]));
  expect(inexact("sketch", "rowsLeftOut")).toEqual([false, true, true, false]);
  expect(inexact("retention")).toEqual([true, true, true, true]);
  expect(inexact("other")).toEqual([false, false, false, false]);
});
