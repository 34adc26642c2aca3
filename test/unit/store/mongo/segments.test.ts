import { BSON, Long } from "mongodb";
import { toDocument } from "../../../../lib/store/mongo/documents.ts";
import { rowFrom, toldFields } from "../../../../lib/store/mongo/segments/raw-rows.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import { event } from "../../../contract/store-harness.ts";
import { partsOf } from "../../../../lib/store/mongo/segments/build.ts";
import { columnOfField } from "../../../../lib/store/mongo/segments/documents.ts";
import { due, segmentLimits } from "../../../../lib/store/mongo/segments/seal.ts";

const [hourMs, dayMs] = [3_600_000, 86_400_000];

/** A project's batches, announced a millisecond after each other from 0 on. */
const announced = (count: number, events: number, bytes = 1_000) =>
  Array.from({ length: count }, (_, at) => ({
    batch: `b${at}`,
    nonce: "",
    events,
    bytes,
    from: 0,
    to: 0,
    at,
  }));

describe("which batches are sealed", () => {
  test.each([
    ["as many as a segment holds", announced(40, 500), 0, 32],
    ["none before a segment is full", announced(32, 500), hourMs - 1, 0],
    ["a thousand events after an hour", announced(3, 400), hourMs, 3],
    ["a few not before a day", announced(3, 300), dayMs - 1, 0],
    ["a few after a day", announced(3, 1), dayMs, 3],
    ["not more batches than a segment names", announced(2_000, 1), 0, segmentLimits.batches],
    ["not more bytes than are read at once", announced(40, 10, 8 * 1_048_576), 0, 4],
    ["a batch that is too large, by itself", announced(2, 20_000), 0, 1],
    ["none of none", [], dayMs, 0],
  ])("%s", (_, batches, now, expected) => {
    expect(due(batches, now)).toEqual(batches.slice(0, expected));
  });
});

test("columns are divided into documents of a size, whatever their names are", () => {
  const columns = ['["data","a.b$"]', "(user)", '["data","\\ud800"]', "type", "source"].map(
    (name, at) => [name, new Uint8Array(at * 40)] as const,
  );
  const parts = partsOf("p|3", "v", columns, 100);
  expect(parts.map(({ _id }) => _id)).toEqual([0, 1, 2, 3].map((part) => `p|3|v|${part}`));
  const kept = parts.flatMap((part) =>
    Object.entries(part.columns).map(
      ([field, bytes]) => [columnOfField(field), bytes.value()] as const,
    ),
  );
  expect(kept.map(([name]) => name)).toEqual(columns.map(([name]) => name));
  expect(kept.map(([, bytes]) => bytes.length)).toEqual([0, 40, 80, 120, 160]);
  expect(Object.keys(parts[0]!.columns).join()).not.toMatch(/[.$]/);
});

test.each([
  ["of plain texts", event("a")],
  ["with all fields", event("b", { correlationId: "c", metadata: { userId: "ada" } })],
  [
    "of texts that are no ASCII",
    event("c", { source: "señal 👍", data: { "\ud800": ["\n"] } }),
  ],
  ["of early instants", event("d", { timestamp: 5, receivedAt: -1.5 })],
])("the row of an event %s is read from its BSON", (_, stored) => {
  const document = Object.entries(toDocument(stored, "b"));
  const told = document.filter(([field, value]) => toldFields[field as "type"] === 1 && value);
  const [project, , , ...row] = toRow(stored, "b");
  const expected = [project, "", "", ...row.with(6, "")];
  // The driver writes whole numbers in 32 bits or as doubles; some servers send 64 bits.
  const wide = told.map(([field, value]) => [
    field,
    Number.isInteger(value) ? Long.fromNumber(value as number) : (value as unknown),
  ]);
  for (const fields of [told, told.toReversed(), wide]) {
    expect(rowFrom(BSON.serialize(Object.fromEntries(fields) as object))).toEqual(expected);
  }
});
