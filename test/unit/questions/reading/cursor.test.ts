import fc from "fast-check";
import { auditLogCursor, readAuditLogQuestion } from "../../../../lib/questions/audit-log.ts";
import { readCountsQuestion } from "../../../../lib/questions/counts.ts";
import { readExportQuestion, readSubjectCursor } from "../../../../lib/questions/lists/export.ts";
import { cursorOf, readListQuestion } from "../../../../lib/questions/lists/list.ts";
import { readStoryQuestion } from "../../../../lib/questions/lists/story.ts";
import { quarantineCursor, readQuarantineQuestion } from "../../../../lib/questions/quarantine.ts";
import { readQueryQuestion } from "../../../../lib/questions/query/question.ts";
import { rowCursorOf, type RowPage } from "../../../../lib/questions/reading/cursor.ts";
import type { Raw } from "../../../../lib/questions/reading/field.ts";
import {
  asParameters,
  continuedAt,
  rangeWords,
  readWithRange,
} from "../../../../lib/questions/reading/relative-range.ts";
import { readStreamQuestion } from "../../../../lib/questions/lists/stream.ts";
import { readFunnelJob } from "../../../../lib/questions/sequences/funnel.ts";
import { findingsOf, pointersOf } from "../../../support/findings-of.ts";
import {
  cursorWith,
  foreignParts,
  partsIn,
  tamperedOf,
} from "../../../support/tampered-cursors.ts";

const from = Date.parse("2026-01-01T00:00:00Z");
const to = Date.parse("2026-02-01T00:00:00Z");
const position = { timestamp: from + 5, id: "order/7" };

interface Kind {
  /** A question of the kind, and the cursor of an answer to it. */
  readonly raw: Raw;
  readonly cursor: string;
  readonly read: (raw: Raw) => unknown;
  readonly pointer: string;
}

const counts = (raw: Raw) => readCountsQuestion(raw, ["context.country"]);
const rowsOf = (raw: Raw, read: (raw: Raw) => { readonly page: RowPage }, pointer: string) => ({
  raw,
  read,
  cursor: rowCursorOf(read(raw).page, 2, { from, to }),
  pointer,
});
const quarantine = (raw: Raw) => readQuarantineQuestion(raw, "shop");
const listed = { type: "a", from: String(from), to: String(to) };

const kinds: Readonly<Record<string, Kind>> = {
  "a list": {
    raw: listed,
    cursor: cursorOf(position, readListQuestion(listed)),
    read: readListQuestion,
    pointer: "cursor",
  },
  "an export": {
    raw: listed,
    cursor: cursorOf(position, readExportQuestion(listed)),
    read: readExportQuestion,
    pointer: "cursor",
  },
  "a story": {
    raw: { correlationId: "mail-7" },
    cursor: cursorOf(position, readStoryQuestion({ correlationId: "mail-7" })),
    read: readStoryQuestion,
    pointer: "cursor",
  },
  "counts of all times": rowsOf({}, counts, "cursor"),
  "counts of a range": rowsOf({ from, to }, counts, "cursor"),
  "series of counts": rowsOf({ from, interval: "hour" }, counts, "cursor"),
  "a query": rowsOf({ range: { to } }, readQueryQuestion, "/cursor"),
  "a series of a query": rowsOf({ dimensions: ["time:day"] }, readQueryQuestion, "/cursor"),
  quarantine: {
    raw: { type: "a" },
    cursor: quarantineCursor({ receivedAt: from, id: "order/7" }, quarantine({ type: "a" }).scope),
    read: quarantine,
    pointer: "cursor",
  },
  "the audit log": {
    raw: {},
    cursor: auditLogCursor("019361e0-0000-7000-8000-000000000000", "shop"),
    read: (raw) => readAuditLogQuestion(raw, "shop"),
    pointer: "cursor",
  },
};

describe.each(Object.entries(kinds))("the cursor of %s", (_, { raw, cursor, read, pointer }) => {
  test("is taken as it was given", () => {
    expect(findingsOf(() => read({ ...raw, cursor }))).toEqual([]);
  });

  test("is refused with any value in it that it cannot have", () => {
    for (const tampered of [...tamperedOf(cursor), "", 7, null, [cursor], { cursor }]) {
      const findings = findingsOf(() => read({ ...raw, cursor: tampered }));
      expect([tampered, findings]).toMatchObject([tampered, [{ pointer, code: "cursor" }]]);
    }
  });

  test("is read or refused, whatever is in it, and nothing else happens", () => {
    const parts = partsIn(cursor);
    const values = fc.oneof(fc.jsonValue(), fc.maxSafeInteger(), fc.constantFrom(...foreignParts));
    const changes = fc.array(fc.tuple(fc.nat(parts.length), values), { minLength: 1 });
    fc.assert(
      fc.property(changes, (changed) => {
        const next = [...parts];
        for (const [i, value] of changed) next[i] = value;
        const found = pointersOf(() => read({ ...raw, cursor: cursorWith(next) }));
        expect([[], [pointer]]).toContainEqual(found);
      }),
    );
  });
});

describe("a cursor of rows", () => {
  const { scope } = counts({}).page;
  const taken = (raw: Raw, parts: readonly unknown[]) =>
    findingsOf(() => counts({ ...raw, cursor: cursorWith(parts) })).length === 0;

  test.each<[string, readonly unknown[]]>([
    ["that begins before the first row", [-1, from, to, scope]],
    ["that begins at the first row", [0, from, to, scope]],
    ["that begins behind all rows there can be", [200_001, from, to, scope]],
    ["of an empty range", [1, from, from, scope]],
    ["of a range that ends before it begins", [1, to, from, scope]],
    ["of a range that begins before the year 1", [1, -62_135_596_800_001, to, scope]],
    ["of a range that ends after the year 9999", [1, from, 253_402_300_800_001, scope]],
  ])("%s is refused", (_, parts) => {
    expect(taken({}, [1, from, to, scope])).toBe(true);
    expect(taken({}, parts)).toBe(false);
  });

  test("of another range than the question's own is refused", () => {
    for (const raw of [{ from }, { to }, { from, to }]) {
      const own = counts(raw).page.scope;
      expect(taken(raw, [1, from, to, own])).toBe(true);
      const other = [1, "from" in raw ? from + 1 : from, "to" in raw ? to - 1 : to, own];
      expect([raw, taken(raw, other)]).toEqual([raw, false]);
    }
  });

  test("of a range with more periods than a series has is refused", () => {
    const raw = { interval: "hour" };
    const own = counts(raw).page.scope;
    expect(taken(raw, [1, from, to, own])).toBe(true);
    expect(taken(raw, [1, 0, to, own])).toBe(false);
  });
});

test("a cursor of a list lies within the list's range", () => {
  const [, , scope] = partsIn(kinds["a list"]!.cursor);
  const findings = (timestamp: number) =>
    pointersOf(() => readListQuestion({ ...listed, cursor: cursorWith([timestamp, "e", scope]) }));
  expect([from, to].map(findings)).toEqual([[], []]);
  expect([from - 1, to + 1].map(findings)).toEqual([["cursor"], ["cursor"]]);
});

test("a cursor of a person's export is one of its two parts, or is refused", () => {
  expect(readSubjectCursor(undefined)).toEqual({ part: "held" });
  expect(readSubjectCursor("stored:")).toEqual({ part: "stored" });
  expect(readSubjectCursor("held:5~a:b")).toEqual({ part: "held", after: "5~a:b" });
  for (const cursor of ["", "x", "Stored:", "kept:x", "held", 7, null, {}]) {
    expect([cursor, pointersOf(() => readSubjectCursor(cursor))]).toEqual([cursor, ["cursor"]]);
  }
});

describe("the instant of a relative range in a cursor", () => {
  const now = Date.parse("2026-11-26T14:24:09Z");
  const takesZone = { by: "parameters", takesZone: true } as const;
  const body = { by: "body", takesZone: true } as const;
  const steps = { steps: [{ type: "a" }, { type: "b" }], window: "60s" };
  const readers: readonly ((raw: Raw) => unknown)[] = [
    (raw) => readWithRange(asParameters, raw, now, readListQuestion),
    (raw) => readWithRange(asParameters, raw, now, readExportQuestion),
    (raw) => readWithRange(asParameters, raw, now, readStreamQuestion),
    (raw) => readWithRange(takesZone, raw, now, counts),
    (raw) => readWithRange(body, raw, now, readQueryQuestion),
    (raw) => readWithRange({ ...body, takesZone: false }, { ...raw, ...steps }, now, readFunnelJob),
  ];

  test("is none at which a page was read: the cursor is refused, whatever the range", () => {
    const ats = [
      ...["253402300799999", "253402300800000", "999999999999999", String(now + 300_001)],
      ...["9007199254740993", "1e15", "-1", "1.5", "", "x"],
    ];
    for (const at of ats) {
      for (const range of rangeWords) {
        for (const [i, read] of readers.entries()) {
          const pointers = pointersOf(() => read({ range, cursor: `${at}~e30` }));
          expect([at, range, i, pointers]).toEqual([at, range, i, [i < 4 ? "cursor" : "/cursor"]]);
        }
      }
    }
  });

  test("may be any before, and of a clock that is five minutes ahead", () => {
    const raw = { range: "this_year" };
    const { question } = readWithRange(asParameters, raw, now, readListQuestion);
    const own = cursorOf({ timestamp: now, id: "e" }, question);
    for (const at of [now - 60_000, now, now + 300_000]) {
      const cursor = continuedAt(own, at);
      expect(
        readWithRange(asParameters, { ...raw, cursor }, now, readListQuestion).question.after,
      ).toEqual({ timestamp: now, id: "e" });
    }
  });

  test("never breaks the reading", () => {
    const ats = fc.oneof(fc.nat().map(String), fc.stringMatching(/^\d{1,16}$/), fc.string());
    const ranges = fc.oneof(fc.constantFrom<string>(...rangeWords), fc.constant("3660d"));
    const zones = fc.constantFrom("UTC", "Pacific/Apia", "America/Sao_Paulo");
    fc.assert(
      fc.property(ats, ranges, zones, fc.constantFrom(...readers), (at, range, timezone, read) => {
        const given = { range, timezone, cursor: `${at}~e30` };
        expect(pointersOf(() => read(given)).length).toBeGreaterThan(0);
      }),
    );
  });
});
