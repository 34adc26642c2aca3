import fc from "fast-check";
import { grainMs, grains, startOf, type Grain } from "../../../lib/counting/bucket.ts";
import { assign, cover, coverAll, sourceOf, type Marks } from "../../../lib/counting/cover.ts";
import { periods } from "../../../lib/counting/calendar.ts";

const { minute, hour, day } = grainMs;
const none: Marks = { minute: [], hour: [], day: [] };

/** Some days around the epoch, so that instants before it occur. */
const lowest = -2 * day;
const highest = 3 * day;

const marks: fc.Arbitrary<Marks> = fc.record({
  minute: fc.array(markOf("minute"), { maxLength: 6 }),
  hour: fc.array(markOf("hour"), { maxLength: 3 }),
  day: fc.array(markOf("day"), { maxLength: 1 }),
});

function markOf(grain: Grain): fc.Arbitrary<number> {
  const length = grainMs[grain];
  return fc.integer({ min: lowest / length, max: highest / length }).map((n) => n * length);
}

const instant = fc.oneof(
  fc.integer({ min: lowest, max: highest }),
  markOf("minute"),
  markOf("hour"),
  markOf("day"),
);

/** Adjacent periods with boundaries anywhere, some within one minute. */
const adjacent = fc
  .uniqueArray(instant, { minLength: 2, maxLength: 6 })
  .map((bounds) => [...bounds].sort((a, b) => a - b))
  .map((bounds) => bounds.slice(1).map((end, i) => ({ start: bounds[i]!, end })));

type Piece = {
  readonly from: number;
  readonly to: number;
  readonly by: Grain | "deltas" | "events";
};

/** What a walk by the minute reads, by the rules as they are told. */
function walk(start: number, end: number, marked: Marks): Piece[] {
  const settled = (grain: Grain, from: number) => {
    const within = (at: number) => at >= from && at < from + grainMs[grain];
    if (marked[grain].includes(from)) return false;
    if (grain !== "minute" && marked.minute.some(within)) return false;
    return grain !== "day" || !marked.hour.some(within);
  };
  const pieces: Piece[] = [];
  for (let at = start; at < end;) {
    const whole = startOf("minute", at);
    const next = whole + minute;
    if (whole < at || next > end) {
      pieces.push({ from: at, to: Math.min(next, end), by: "events" });
      at = Math.min(next, end);
      continue;
    }
    const by = (["day", "hour"] as const).find((grain) => {
      const from = startOf(grain, at);
      return from >= start && from + grainMs[grain] <= end && settled(grain, from);
    });
    pieces.push({ from: at, to: next, by: by ?? (settled("minute", at) ? "minute" : "deltas") });
    at = next;
  }
  return pieces;
}

/** What a cover reads, ascending. */
function piecesOf({ rollups, deltas, events }: ReturnType<typeof cover>): Piece[] {
  return [
    ...grains.flatMap((by) => rollups[by].map((range) => ({ ...range, by }))),
    ...deltas.map((from) => ({ from, to: from + minute, by: "deltas" as const })),
    ...events.map((range) => ({ ...range, by: "events" as const })),
  ].sort((a, b) => a.from - b.from);
}

/** Adjacent pieces that are read the same way are one; events only within one period. */
function joined(pieces: readonly Piece[], bounds: ReadonlySet<number>): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    const parted = piece.by === "events" && bounds.has(piece.from);
    if (last?.by === piece.by && last.to === piece.from && !parted) {
      result[result.length - 1] = { ...last, to: piece.to };
    } else {
      result.push(piece);
    }
  }
  return result;
}

test("covers each instant once, by what a walk by the minute would read", () => {
  fc.assert(
    fc.property(adjacent, marks, (parts, marked) => {
      const bounds = new Set(parts.map(({ start }) => start));
      const expected = parts.flatMap(({ start, end }) => walk(start, end, marked));
      expect(joined(piecesOf(coverAll(parts, marked)), bounds)).toEqual(joined(expected, bounds));

      const [from, to] = [parts[0]!.start, parts.at(-1)!.end];
      const whole = joined(walk(from, to, marked), new Set());
      expect(joined(piecesOf(cover({ from, to }, marked)), new Set())).toEqual(whole);
    }),
    { numRuns: 200 },
  );
});

test("ranges are aligned, ascending and merged; events are at the ends", () => {
  fc.assert(
    fc.property(instant, instant, marks, (a, b, marked) => {
      const range = { from: Math.min(a, b), to: Math.max(a, b) };
      const { rollups, deltas, events } = cover(range, marked);
      for (const grain of grains) {
        rollups[grain].forEach(({ from, to }, i) => {
          expect([startOf(grain, from), startOf(grain, to)]).toEqual([from, to]);
          expect(from).toBeLessThan(to);
          if (i > 0) expect(from).toBeGreaterThan(rollups[grain][i - 1]!.to);
        });
      }
      expect(deltas).toEqual([...new Set(deltas)].sort((x, y) => x - y));
      expect(events.length).toBeLessThanOrEqual(2);
      for (const { from, to } of events) expect(from === range.from || to === range.to).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("no bucket crosses a period, so each row has one, found by its start", () => {
  fc.assert(
    fc.property(adjacent, marks, (parts, marked) => {
      const { rollups, deltas, events } = coverAll(parts, marked);
      const rows = [
        ...grains.flatMap((grain) =>
          rollups[grain].flatMap(({ from, to }) =>
            Array.from({ length: (to - from) / grainMs[grain] }, (_, i) => ({
              from: from + i * grainMs[grain],
              to: from + (i + 1) * grainMs[grain],
            })),
          ),
        ),
        ...deltas.map((from) => ({ from, to: from + minute })),
        ...events,
      ];
      const crossing = rows.filter(({ from, to }) => {
        const period = parts[assign(parts, from)];
        return period === undefined || from < period.start || to > period.end;
      });
      expect(crossing).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("assign finds what a search from the front finds", () => {
  const parts = [
    { start: 0, end: 10 },
    { start: 10, end: 11 },
    { start: 20, end: 30 },
  ];
  for (let at = -5; at < 40; at++) {
    expect(assign(parts, at)).toBe(parts.findIndex(({ start, end }) => at >= start && at < end));
  }
  expect(assign([], 0)).toBe(-1);
});

test("a settled range is days, with hours and minutes at its ends", () => {
  const range = { from: 22 * hour + 58 * minute + 1, to: 3 * day + hour + 2 * minute + 1 };
  expect(cover(range, none)).toEqual({
    rollups: {
      day: [{ from: day, to: 3 * day }],
      hour: [
        { from: 23 * hour, to: day },
        { from: 3 * day, to: 3 * day + hour },
      ],
      minute: [
        { from: 22 * hour + 59 * minute, to: 23 * hour },
        { from: 3 * day + hour, to: 3 * day + hour + 2 * minute },
      ],
    },
    deltas: [],
    events: [
      { from: range.from, to: 22 * hour + 59 * minute },
      { from: 3 * day + hour + 2 * minute, to: range.to },
    ],
  });
});

test("two parts of minutes without a whole one between are one range of events", () => {
  const range = { from: minute - 1, to: minute + 1 };
  expect(cover(range, none).events).toEqual([range]);
  expect(cover({ from: 5, to: 5 }, none).events).toEqual([]);
});

test("a marked minute unsettles its hour and its day, a marked day itself alone", () => {
  const range = { from: 0, to: 2 * day };
  const marked: Marks = { minute: [hour + minute], hour: [], day: [day] };
  expect(cover(range, marked)).toEqual({
    rollups: {
      day: [],
      hour: [
        { from: 0, to: hour },
        { from: 2 * hour, to: 2 * day },
      ],
      minute: [
        { from: hour, to: hour + minute },
        { from: hour + 2 * minute, to: 2 * hour },
      ],
    },
    deltas: [hour + minute],
    events: [],
  });
});

test("days of a half-hour zone read hours and minutes, in few ranges", () => {
  const range = { from: Date.UTC(2014, 0), to: Date.UTC(2024, 0) };
  const days = periods("day", "Asia/Kolkata", range);
  const { rollups, events } = coverAll(days, none);
  expect(rollups.day).toHaveLength(0);
  expect(rollups.hour.length).toBeLessThanOrEqual(days.length);
  expect(rollups.minute.length).toBeLessThanOrEqual(days.length);
  expect(events).toHaveLength(0);
});

test("sourceOf", () => {
  expect(sourceOf(cover({ from: 0, to: day }, none))).toBe("rollup");
  expect(sourceOf(cover({ from: 0, to: minute }, { ...none, minute: [0] }))).toBe("rollup");
  expect(sourceOf(cover({ from: 0, to: day + 1 }, none))).toBe("mixed");
  expect(sourceOf(cover({ from: 1, to: minute }, none))).toBe("events");
});
