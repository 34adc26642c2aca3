import fc from "fast-check";
import { mergeCells, record, sectionOf, type Cells } from "../../../lib/counting/cells.ts";
import { deltasOf } from "../../../lib/counting/delta.ts";
import { builtInDimensions, rolledUp } from "../../../lib/counting/dimensions.ts";
import {
  isPacked,
  packCells,
  sumPacked,
  unpackCells,
  unpackSection,
} from "../../../lib/store/cells-text.ts";
import { cellsOfRow, deltaCellsRow, pack, packCounted, rowsOf } from "../../../lib/store/rows.ts";
import { asJson, bare, event } from "../../contract/store-harness.ts";

const text = fc.oneof(
  fc.constantFrom("__proto__", "(none)", "(other)", "7", "", "\ud800", "\u0000", "[", '"'),
  fc.string(),
);
const some = fc.array(
  fc.record({ type: text, source: text, plan: text, userId: text }).map((of) =>
    event("e", {
      type: of.type,
      source: of.source,
      data: { plan: of.plan },
      ...(of.userId !== "7" && { metadata: { userId: of.userId } }),
    }),
  ),
  { minLength: 1, maxLength: 6 },
);

const cellsOf = (events: Parameters<typeof deltasOf>[2], more: readonly string[]): Cells =>
  deltasOf("b", "p", events, rolledUp(more))[0]!.cells;

describe("packed cells", () => {
  test("give the cells back, whole or one section, of up to four events", () => {
    fc.assert(
      fc.property(
        some,
        fc.constantFrom<string[]>([], ["data.plan", "data.a.b"]),
        (events, more) => {
          const cells = cellsOf(events, more);
          const packed = packCells(cells);
          expect(packed !== undefined).toBe(events.length <= 4);
          if (packed === undefined) return;
          expect(isPacked(packed)).toBe(true);
          expect(unpackCells(packed)).toEqual(cells);
          for (const section of ["types", "users", "source", "data.plan", "data.never"]) {
            expect(unpackSection(section, packed)).toEqual(sectionOf(cells, section));
          }
          // As they are summed.
          expect(mergeCells([unpackCells(packed)])).toEqual(mergeCells([cells]));
        },
      ),
    );
  });

  test("are the same of cells that came from another thread, whatever their types are named", () => {
    const events = ["constructor", "__proto__", "toString"].map((type) => event("e", { type }));
    const cells = cellsOf(events, []);
    expect(packCells(structuredClone(cells))).toBe(packCells(cells));
  });

  test.each(["null", "{}"])(
    "have no users where earlier versions packed %s for none",
    (written) => {
      const cells = cellsOf([event("e", { type: "constructor" })], []);
      const packed = packCells(cells)!.replace(",1,0,", `,1,${written},`);
      expect(unpackCells(packed)).toEqual(cells);
      expect(unpackSection("users", packed)).toEqual(cells.users);
    },
  );

  test("are summed as cells are", () => {
    const few = fc.tuple(some, fc.constantFrom<string[]>([], ["data.plan"]));
    fc.assert(
      fc.property(fc.array(few), (parts) => {
        const cells = parts.map(([events, more]) => cellsOf(events.slice(0, 4), more));
        const sums = sumPacked(cells.map((one) => packCells(one)!));
        expect(mergeCells(sums)).toEqual(mergeCells(cells));
      }),
    );
  });

  test.each([[["data.plan"]], [[]]])(
    "are packed from a batch's events as from its cells: %s",
    (more) => {
      const spread = fc.array(fc.tuple(some, fc.integer({ min: 0, max: 3 })), { maxLength: 5 });
      fc.assert(
        fc.property(spread, (parts) => {
          const events = parts.flatMap(([of, at]) =>
            of.map((one, i) => ({ ...one, id: `${i}`, timestamp: at * 60_000 })),
          );
          const done = { batch: "b", project: "p", events };
          const deltas = deltasOf("b", "p", events, rolledUp(more));
          expect(rowsOf(packCounted(done, rolledUp(more)))).toEqual(
            rowsOf(pack({ ...done, deltas })),
          );
        }),
      );
    },
  );

  test("are not packed from events for other dimensions", () => {
    const done = { batch: "b", project: "p", events: [event("e")] };
    const deltas = deltasOf("b", "p", done.events, ["source"]);
    expect(rowsOf(packCounted(done, ["source"]))).toEqual(rowsOf(pack({ ...done, deltas })));
  });

  test("are for cells that count the usual dimensions alone", () => {
    const others = { types: bare({ a: 1 }), users: record<string>(), dimensions: record<never>() };
    expect(packCells(others)).toBeUndefined();
    expect(cellsOfRow(deltaCellsRow(others))).toEqual(others);
  });

  test("of one event are short", () => {
    const one = event("e", { metadata: { userId: "u" }, context: { country: "DE" } });
    const packed = packCells(cellsOf([one], []))!;
    expect(packed).toBe('[0,"mail.opened",1,"UeaYkqtJ34U","web",0,0,0,"DE",0,0,0,0,0]');
  });

  test("name the dimensions that are always rolled up as this version does", () => {
    // Of others the files would have to tell: then the packed form needs a version.
    const [first] = JSON.parse(packCells(cellsOf([event("e")], []))!) as [unknown];
    expect(first).toBe(0);
    expect(asJson(builtInDimensions)).toHaveLength(10);
  });
});
