import { startOf, type Bucket } from "../../counting/bucket.ts";
import type { EnrichDone } from "../../counting/delta.ts";
import type { BatchPack } from "../store.ts";
import { membersByMinute } from "../members.ts";
import { cellsOfRow, type Body, type DeltaRow, type EventRow, pack, rowsOf } from "../rows.ts";
import {
  bodyFrom,
  deltaKey,
  documentOf,
  type DeltaDocument,
  type EventDocument,
  type SectionTexts,
} from "./documents.ts";
import { propertiesOf, type Properties } from "./properties.ts";
import { toTexts } from "./sections.ts";

/** What the documents contain besides the rows, in the order of the rows. */
interface Extras {
  readonly properties: readonly (Properties | undefined)[];
  readonly sections: readonly SectionTexts[];
  /** The digests of the events that the deltas count. */
  readonly members: readonly (string | undefined)[];
}

/**
 * `pack` for MongoDB: it makes the documents' texts on the worker's thread, so that the event loop
 * parses no JSON.
 */
export function packDocuments(done: EnrichDone): BatchPack {
  const members = membersByMinute(done.events);
  return pack(done, {
    properties: done.events.map(propertiesOf),
    sections: done.deltas.map(({ cells }) => toTexts(cells)),
    members: done.deltas.map(({ bucket }) => members.get(bucket.start)),
  } satisfies Extras);
}

/** The documents of a batch. The JSON of a pack that was made for SQLite is parsed once more. */
export interface PackedDocuments {
  readonly events: readonly EventDocument[];
  readonly deltas: readonly DeltaDocument[];
  /** The minutes of the events. */
  readonly minutes: readonly Bucket[];
}

export function documentsOf(packed: BatchPack): PackedDocuments {
  const { events, deltas, extras } = rowsOf(packed);
  const { properties, sections, members } = (extras ?? {}) as Partial<Extras>;
  const { project } = packed;
  const counted = members === undefined ? readMembers(events) : undefined;
  return {
    events: events.map((row, at) =>
      documentOf(row, properties === undefined ? readProperties(row) : properties[at]),
    ),
    deltas: deltas.map((row, at) =>
      deltaDocument(
        row,
        sections?.[at] ?? readSections(row),
        members?.[at] ?? counted?.get(row[1]),
      ),
    ),
    minutes: [...new Set(events.map(([, , , timestamp]) => startOf("minute", timestamp)))].map(
      (start) => ({ project, grain: "minute", start }),
    ),
  };
}

function deltaDocument(
  [project, minute, batch]: DeltaRow,
  sections: SectionTexts,
  members: string | undefined,
): DeltaDocument {
  const _id = deltaKey(batch, project, minute);
  return { _id, project, minute, sections, ...(members !== undefined && { members }) };
}

function readMembers(rows: readonly EventRow[]): ReadonlyMap<number, string> {
  return membersByMinute(rows.map(([, id, , timestamp]) => ({ id, timestamp })));
}

function readProperties(row: EventRow): Properties | undefined {
  const body: Body = bodyFrom(row[10]);
  return propertiesOf(body);
}

function readSections([, , , ...cells]: DeltaRow): SectionTexts {
  return toTexts(cellsOfRow(cells));
}
