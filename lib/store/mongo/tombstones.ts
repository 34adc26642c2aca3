import type { Filter } from "mongodb";
import type { ProjectId } from "../../event/event.ts";
import type { Erasable, Refusal } from "../erasing.ts";
import {
  eventKey,
  tombstone,
  type Collections,
  type EventDocument,
  type HeldDocument,
} from "./documents.ts";
import { toColumn } from "../rows.ts";
import { byHalves, type Placed } from "./halves.ts";

/** The most events that are erased with one command: their ids must fit into a message. */
const atOnce = 5_000;

/** Up to so many ids are compared sooner than batches are by halves. */
const fewIds = 100;

/** The fields of an event, and of one in quarantine: none of them stays in a tombstone. */
const fields: Readonly<Record<Exclude<keyof EventDocument | keyof HeldDocument, "_id">, "">> = {
  project: "",
  id: "",
  batch: "",
  timestamp: "",
  receivedAt: "",
  type: "",
  source: "",
  correlationId: "",
  userId: "",
  hash: "",
  body: "",
  properties: "",
  heldBy: "",
  revision: "",
  amended: "",
  nonce: "",
  replay: "",
  held: "",
};

/**
 * Makes tombstones of those of some events that their batches still store or keep apart. A command
 * changes all of them, each only while this holds for it: servers that look at each document for a
 * condition beside the id do that once for all of them.
 */
export async function entomb(
  { events }: Pick<Collections, "events">,
  project: ProjectId,
  gone: readonly Erasable[],
  refusal: Refusal,
  userId?: string,
): Promise<void> {
  for (let at = 0; at < gone.length; at += atOnce) {
    const standing = standingOf(project, gone.slice(at, at + atOnce), userId);
    await events.updateMany(standing, { $set: tombstone(refusal), $unset: fields });
  }
}

/** Finds those of some events, at least one, that their batches still store or keep apart. */
function standingOf(
  project: ProjectId,
  gone: readonly Erasable[],
  userId: string | undefined,
): Filter<EventDocument> {
  const keyOf = ({ id }: Erasable) => eventKey(project, id);
  const byBatch = [...Map.groupBy(gone, ({ batch }) => batch)].sort(([a], [b]) => (a < b ? -1 : 1));
  // No index begins with the field `id`, so a server has one way to plan this.
  const stored = byBatch.map(([batch, own]) => ({
    from: batch,
    filter: { batch, id: { $in: own.map(({ id }) => id) } },
  }));
  const apart = byBatch.map(([batch, own]) => ({
    from: batch,
    filter: { heldBy: batch, _id: { $in: own.map(keyOf) } },
  }));
  const either = { $or: [...anyOf("batch", stored), ...anyOf("heldBy", apart)] };
  // FerretDB 1 finds a document by its id, and looks at each for a list of them.
  const ids = { _id: gone.length === 1 ? keyOf(gone[0]!) : { $in: gone.map(keyOf) } };
  // What is compared sooner comes first. Of an event in quarantine no field tells the user.
  if (userId !== undefined) {
    const theirs = { $or: [{ userId: toColumn(userId) }, { heldBy: { $exists: true } }] };
    return { $and: [theirs, either], ...ids };
  }
  return gone.length > fewIds ? { ...either, ...ids } : { ...ids, ...either };
}

const ascii = /^[ -~]*$/;

/** All servers have texts in ASCII in the same order; others are searched for one by one. */
function anyOf(field: string, placed: readonly (Placed & { readonly from: string })[]) {
  const isOrdered = placed.every(({ from }) => ascii.test(from));
  return isOrdered ? [byHalves(field, placed)] : placed.map(({ filter }) => filter);
}
