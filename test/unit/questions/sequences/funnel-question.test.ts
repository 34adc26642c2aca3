import fc from "fast-check";
import { readFunnelJob } from "../../../../lib/questions/sequences/funnel.ts";
import { findingsOf, pointersOf } from "../../../support/findings-of.ts";

const steps = [{ type: "a" }, { type: "b" }];
const values = (count: number) => ["is", "data.x", Array.from({ length: count }, (_, i) => i)];

test("reads a funnel", () => {
  const body = {
    steps: [{ type: "a", filters: ["is", "data.plan", ["pro"]] }, { type: "b" }],
    window: "2h",
    by: "session",
    strictlyLater: true,
    breakdown: "utm.source",
    range: { from: "2024-01-01T00:00:00Z", to: 1_706_745_600_000 },
  };
  expect(readFunnelJob(body)).toEqual({
    kind: "funnel",
    steps: [
      { type: "a", filters: { path: ["data", "plan"], op: "is", values: ["pro"] } },
      { type: "b", filters: undefined },
    ],
    windowMs: 7_200_000,
    strictlyLater: true,
    by: "session",
    breakdown: ["context", "utm", "source"],
    range: { from: Date.UTC(2024, 0, 1), to: 1_706_745_600_000 },
  });
  expect(readFunnelJob({ steps })).toMatchObject({ windowMs: undefined, strictlyLater: false });
});

test.each([
  ["3600s", 3_600_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["3660d", 3_660 * 86_400_000],
])("a window of %s", (window, windowMs) => {
  expect(readFunnelJob({ steps, window }).windowMs).toBe(windowMs);
});

test.each([
  [{}, "/steps"],
  [{ steps: "a,b" }, "/steps"],
  [{ steps: [{ type: "a" }] }, "/steps"],
  [{ steps: Array.from({ length: 11 }, () => ({ type: "a" })) }, "/steps"],
  [{ steps: ["a", { type: "b" }] }, "/steps/0"],
  [{ steps: [{}, { type: "b" }] }, "/steps/0/type"],
  [{ steps: [{ type: 5 }, { type: "b" }] }, "/steps/0/type"],
  [{ steps: [{ type: "a" }, { type: "b", event: "c" }] }, "/steps/1/event"],
  [{ steps: [{ type: "a" }, { type: "b", filters: ["like", "data.x", 1] }] }, "/steps/1/filters/0"],
  [
    {
      steps: [...steps, ...steps].map(({ type }) => ({
        type,
        filters: ["and", ...Array.from({ length: 3 }, () => values(99))],
      })),
    },
    "/steps",
  ],
  [{ steps, window: "1x" }, "/window"],
  [{ steps, window: "0s" }, "/window"],
  [{ steps, window: "3661d" }, "/window"],
  [{ steps, window: 3_600 }, "/window"],
  [{ steps, window: ["1s"] }, "/window"],
  [{ steps, by: "device" }, "/by"],
  [{ steps, strictlyLater: "yes" }, "/strictlyLater"],
  [{ steps, breakdown: "timestamp" }, "/breakdown"],
  [{ steps, breakdown: ["data.a", "data.b"] }, "/breakdown"],
  [{ steps, breakdown: "data.tags[]" }, "/breakdown"],
  [{ steps, range: { from: "soon" } }, "/range/from"],
  [{ steps, range: { from: 2, to: 1 } }, "/range/to"],
  [{ steps, timezone: "Mars/Olympus" }, "/timezone"],
  [
    {
      steps: [...steps, ...steps, ...steps].map(({ type }) => ({
        type,
        filters: [
          "and",
          ...Array.from({ length: 2 }, () => ["shown_as", "data.x", Array(99).fill("x")]),
        ],
      })),
    },
    "/steps",
  ],
])("refuses %j at %s and says what is allowed", (body, pointer) => {
  const findings = findingsOf(() => readFunnelJob(body));
  expect(findings).toMatchObject([{ pointer }]);
  expect(findings[0]!.message.length).toBeGreaterThan(20);
});

test.each([["a text"], [undefined], [null], [[]]])("refuses a body that is %j", (body) => {
  expect(pointersOf(() => readFunnelJob(body))).toContain("");
});

test("names all that is wrong at once", () => {
  const body = { steps: [{ type: "a" }], window: "1x", by: "me", foo: 1 };
  expect(pointersOf(() => readFunnelJob(body)).sort()).toEqual([
    "/by",
    "/foo",
    "/steps",
    "/window",
  ]);
});

test("whatever is asked, it is read or refused with findings", () => {
  const key = fc.oneof(fc.string(), fc.constantFrom("steps", "window", "range", "by", "breakdown"));
  fc.assert(
    fc.property(fc.dictionary(key, fc.jsonValue()), (body) => {
      const findings = findingsOf(() => readFunnelJob(body));
      if (!("steps" in body)) expect(findings.length).toBeGreaterThan(0);
    }),
  );
});
