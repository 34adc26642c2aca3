import type { Filter } from "mongodb";
import { type BatchId, userOf } from "../../event/event.ts";
import { type EventQuery, meetsFilter } from "../../event/filter.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { Erasable } from "../erasing.ts";
import { toColumn } from "../rows.ts";
import {
  eventKey,
  heldAmong,
  inOneAnswer,
  type Collections,
  type HeldDocument,
  type QuarantineNote,
} from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** The number of notes that are read at a time. */
const noteBlock = 1_000;

/** The document of an event that breaks its schema; it takes the event's place. */
export function heldDocument(held: HeldEvent, batch: BatchId): HeldDocument {
  const { project, id, receivedAt, hash } = held.event;
  return {
    _id: eventKey(project, id),
    heldBy: batch,
    receivedAt,
    hash,
    revision: 1,
    amended: 0,
    nonce: "",
    held: JSON.stringify(held),
  };
}

/**
 * An event in quarantine stands in the place of the event; these notes make it possible to find it.
 */
export async function noteHeld(
  { quarantine }: Collections,
  documents: readonly HeldDocument[],
): Promise<void> {
  await insertAbsent(quarantine, documents.map(noteOf));
}

function noteOf(document: HeldDocument): QuarantineNote {
  const { _id, heldBy, amended, nonce, held, receivedAt } = document;
  const { event } = JSON.parse(held) as HeldEvent;
  const user = userOf(event);
  return {
    _id: `${heldBy}|${nonce}|${_id}`,
    event: _id,
    batch: heldBy,
    amended,
    nonce,
    project: event.project,
    id: event.id,
    type: event.type,
    ...(user !== undefined && { userId: toColumn(user) }),
    receivedAt,
    timestamp: event.timestamp,
  };
}

/** The notes that match a filter, some at a time. */
export async function* noteBlocks(
  { quarantine }: Collections,
  filter: Filter<QuarantineNote>,
): AsyncGenerator<readonly QuarantineNote[]> {
  let block: QuarantineNote[] = [];
  for await (const note of quarantine.find(filter).batchSize(noteBlock)) {
    block.push(note);
    if (block.length < noteBlock) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

/**
 * Removes the notes of events that a batch does not put into quarantine any more: it never will
 * again.
 */
export async function forgetNotes(
  { quarantine }: Collections,
  gone: readonly { readonly event: string; readonly batch: BatchId }[],
): Promise<void> {
  const batches = new Map<string, Set<BatchId>>();
  for (const { event, batch } of gone) {
    batches.set(event, (batches.get(event) ?? new Set()).add(batch));
  }
  // Most events have none, so all are looked for with one command.
  const notes = await quarantine
    .find({ event: { $in: [...batches.keys()] } }, inOneAnswer)
    .project<Pick<QuarantineNote, "_id" | "event" | "batch">>({ event: 1, batch: 1 })
    .toArray();
  const own = notes.filter(({ event, batch }) => batches.get(event)!.has(batch));
  if (own.length === 0) return;
  await quarantine.deleteMany({ _id: { $in: own.map(({ _id }) => _id).toSorted() } });
}

interface Found {
  readonly note: QuarantineNote;
  readonly document: HeldDocument;
}

/**
 * The events that some notes lead to, in their order. A note that leads nowhere any more is stale.
 */
export async function followed(
  collections: Collections,
  notes: readonly QuarantineNote[],
): Promise<readonly Found[]> {
  const documents = await collections.events
    .find({ _id: { $in: notes.map(({ event }) => event) } }, inOneAnswer)
    .toArray();
  const byKey = new Map(heldAmong(documents).map((document) => [document._id, document]));
  const found: Found[] = [];
  const stale: string[] = [];
  for (const note of notes) {
    const document = byKey.get(note.event);
    const isOf = document?.heldBy === note.batch;
    if (isOf && document.nonce === note.nonce) found.push({ note, document });
    // A note about a content that may still be written is not stale.
    else if (!isOf || document.amended >= note.amended) stale.push(note._id);
  }
  if (stale.length > 0) await collections.quarantine.deleteMany({ _id: { $in: stale } });
  return found;
}

/** The events in quarantine that would match a query if they were stored, in any order. */
export async function erasableHeld(
  collections: Collections,
  query: EventQuery,
): Promise<readonly Erasable[]> {
  const { project, userId, limit } = query;
  const erasable: Erasable[] = [];
  const filter = { project, ...(userId !== undefined && { userId: toColumn(userId) }) };
  for await (const block of noteBlocks(collections, filter)) {
    for (const { document } of await followed(collections, block)) {
      const { event } = JSON.parse(document.held) as HeldEvent;
      if (!meetsFilter(event, query)) continue;
      const { id, timestamp } = event;
      erasable.push({ id, batch: document.heldBy, timestamp });
    }
    if (erasable.length >= limit) break;
  }
  return erasable.slice(0, limit);
}
