import { Pace } from "../../../lib/answers/budget.ts";

describe("a pace", () => {
  test("is what the quickest work of its kind took, shared by as many nodes as there are", () => {
    const pace = new Pace();
    expect(pace.expected("funnel", 1e9, 1)).toBe(0);
    pace.note("funnel", 1_000_000, 800, 1, true);
    pace.note("funnel", 1_000_000, 200, 2, true);
    pace.note("funnel", 1_000_000, 4_000, 1, true);
    expect(pace.expected("funnel", 10_000_000, 1)).toBeCloseTo(4_080);
    expect(pace.expected("funnel", 10_000_000, 4)).toBeCloseTo(1_020);
    expect(pace.expected("paths", 10_000_000, 1)).toBe(0);
  });

  test("of work that was stopped counts only where nothing better is known", () => {
    const pace = new Pace();
    pace.note("paths", 1_000_000, 10_000, 1, false);
    expect(pace.expected("paths", 2_000_000, 1)).toBe(20_000);
    pace.note("paths", 500_000, 500, 1, true);
    pace.note("paths", 1_000_000, 10_000, 1, false);
    expect(pace.expected("paths", 2_000_000, 1)).toBe(2_000);
  });

  test("is not told by a few events, and forgets what was quicker once", () => {
    const pace = new Pace();
    pace.note("funnel", 1_000, 0, 1, true);
    expect(pace.expected("funnel", 1_000_000, 1)).toBe(0);
    pace.note("funnel", 1_000_000, 100, 1, true);
    for (let n = 0; n < 200; n++) pace.note("funnel", 1_000_000, 1_000, 1, true);
    expect(pace.expected("funnel", 1_000_000, 1)).toBe(1_000);
  });
});
