import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { coverAll } from "../../lib/counting/cover.ts";
import { markedDays, sourcesOf, type Column } from "../../lib/counting/cover-parts.ts";
import { noFloors, withoutFinal, type Floors } from "../../lib/counting/floors.ts";
import type { Section, SectionRow } from "../../lib/counting/cells.ts";
import { coveredRows } from "../../lib/answers/rollup-reads.ts";
import { rollUp } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import {
  bucket,
  cells,
  day,
  dayMs,
  delta,
  hour,
  hourMs,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

const whole: readonly Column[] = [{ start: day, end: day + 3 * dayMs }];
const hours = Array.from({ length: 72 }, (_, i) => ({
  start: day + i * hourMs,
  end: day + (i + 1) * hourMs,
}));
const parts = [
  { start: minute + 1_500, end: minute + 20 * minuteMs },
  { start: hour + 2 * hourMs + 30_000, end: day + 2 * dayMs + 12_345 },
];

/** What of some columns is read, and the rows that it leads to, one read after the other. */
async function oneByOne(
  store: EventStore,
  columns: readonly Column[],
  section: Section,
  sealed: Floors = noFloors,
) {
  const marks = await store.marks("p", markedDays(columns));
  const cover = coverAll(columns, withoutFinal(marks, sealed));
  const rows: SectionRow<Section>[] = [];
  for (const { isMarked, grain, ranges } of sourcesOf(cover)) {
    const starts = ranges.map(({ from }) => from);
    const found = isMarked
      ? await store.deltaSums("p", starts, section)
      : await store.rollups("p", grain, ranges, section);
    rows.push(...found);
  }
  return { cover, rows };
}

/** The same by `covered`, with what it leaves. */
async function atOnce(
  store: EventStore,
  columns: readonly Column[],
  section: Section,
  sealed?: Floors,
) {
  const { cover, ...part } = await store.covered!("p", columns, section, sealed);
  // Events are not what a store reads here.
  const ahead = { cover, ...part, rest: { ...part.rest, events: [] } };
  const rows: SectionRow<Section>[] = [];
  for await (const { row } of coveredRows({ store, project: "p" }, { cover, section, ahead })) {
    rows.push(row);
  }
  return { cover, rows, inRest: sourcesOf(ahead.rest).flatMap(({ ranges }) => ranges).length };
}

/** `covered`. */
export function coveredContract(onStore: OnStore): void {
  describe("what columns are counted from", () => {
    test(
      "is, with its rows, the same as read one by one",
      onStore(async (store) => {
        if (store.covered === undefined) return;
        const minutes = Array.from(
          { length: 150 },
          (_, i) => day + ((i * 7_919) % 4_320) * minuteMs,
        );
        await store.putDeltas(
          minutes.flatMap((start, i) =>
            Array.from({ length: 1 + (i % 9) }, (_, n) =>
              delta(`b${i}|${n}`, cells({ a: 1 + n, [`t${i % 5}`]: 1 }, `v${i % 3}`), start),
            ),
          ),
        );
        await store.markDirty(minutes.map((start) => bucket(start)));
        const compareAll = async () => {
          for (const columns of [whole, hours, parts]) {
            for (const section of ["types", "users", "source", builtInDimensions[1]] as const) {
              expect(await atOnce(store, columns, section)).toMatchObject(
                await oneByOne(store, columns, section),
              );
            }
          }
        };
        await compareAll();
        await rollUp(store, "minute", 90);
        await compareAll();
        const floors = { ...noFloors, minutes: day + dayMs, hours: day + dayMs };
        expect(await atOnce(store, whole, "types", floors)).toMatchObject(
          await oneByOne(store, whole, "types", floors),
        );
        for (const grain of ["minute", "hour", "day"] as const) await rollUp(store, grain, 1_000);
        await compareAll();
      }),
    );

    test(
      "is read a part at a time where it is large",
      onStore(async (store) => {
        if (store.covered === undefined) return;
        const { dimensions, ...small } = cells({ a: 1_000 });
        const values = Array.from({ length: 1_000 }, (_, i) => [`value number ${i}`, 1] as const);
        const source = { a: Object.fromEntries(values) };
        const large = { ...small, dimensions: { ...dimensions, source } };
        for (let i = 0; i < 80; i += 1) {
          await store.writeRollup(bucket(minute + i * minuteMs), { v: 1, cells: large });
        }
        const columns = [{ start: minute, end: minute + 80 * minuteMs }];
        const split = await atOnce(store, columns, "source");
        expect(split.inRest).toBeGreaterThan(0);
        expect(split).toMatchObject(await oneByOne(store, columns, "source"));
      }),
    );
  });
}
