import { deltasOf } from "../../../../lib/counting/delta.ts";
import { membersByMinute } from "../../../../lib/store/members.ts";
import { pack } from "../../../../lib/store/rows.ts";
import { documentsOf, packDocuments } from "../../../../lib/store/mongo/batch-pack.ts";
import { toDocument } from "../../../../lib/store/mongo/documents.ts";
import { toTexts } from "../../../../lib/store/mongo/sections.ts";
import { bucket, event, minute, minuteMs } from "../../../contract/store-harness.ts";

const events = [
  event("a", { data: { "k\u0000": { deep: [1, null] }, __proto__: 1 }, correlationId: "\ud800" }),
  event("b", { timestamp: minute + minuteMs, metadata: { userId: "ada", note: "\ud800" } }),
  event("c", { data: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, i])) }),
];
const deltas = deltasOf("b1", "p", events, ["source"]);
const members = membersByMinute(events);

test.each([
  ["MongoDB", packDocuments],
  ["SQLite", pack],
])("a pack for %s gives the documents that its events have", (_name, packed) => {
  const documents = documentsOf(packed({ batch: "b1", project: "p", events, deltas }));
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  expect(plain(documents.events)).toEqual(plain(events.map((one) => toDocument(one, "b1"))));
  expect(documents.events.map(({ body }) => body)).toEqual(
    events.map((one) => toDocument(one, "b1").body),
  );
  expect(plain(documents.deltas)).toEqual(
    deltas.map(({ bucket: { start }, cells }) => ({
      _id: `b1|p|${start}`,
      project: "p",
      minute: start,
      sections: plain(toTexts(cells)),
      members: members.get(start),
    })),
  );
  expect(documents.minutes).toEqual([bucket(minute), bucket(minute + minuteMs)]);
});
