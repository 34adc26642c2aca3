import { randomUUID } from "node:crypto";
import type { BatchId, EventId, ProjectId } from "../../event/event.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { QuarantinedEvent, QuarantineQuery, QuarantineStore } from "../quarantine.ts";
import { toColumn } from "../rows.ts";
import type { MongoLink } from "./connection.ts";
import {
  eventKey,
  inOneAnswer,
  isHeld,
  tombstone,
  type Collections,
  type EventDocument,
  type HeldDocument,
  type QuarantineNote,
} from "./documents.ts";
import { followed, forgetNotes, noteHeld } from "./held.ts";

/**
 * The quarantine. An event in quarantine stands under its own id among the stored events, in a
 * document that no search for events finds: so one insert decides whether it is stored or put into
 * quarantine.
 */
export class MongoQuarantine implements QuarantineStore {
  readonly #link: MongoLink;

  constructor(link: MongoLink) {
    this.#link = link;
  }

  list(query: QuarantineQuery): Promise<readonly QuarantinedEvent[]> {
    return this.#link.run(async (collections) => {
      const page: QuarantinedEvent[] = [];
      for (let after = query.after; page.length < query.limit;) {
        const notes = await nextNotes(collections, { ...query, after });
        const found = await followed(collections, notes);
        page.push(...found.map(({ document }) => quarantinedOf(document)));
        if (notes.length < query.limit) break;
        after = notes.at(-1);
      }
      return page.slice(0, query.limit);
    });
  }

  find(project: ProjectId, id: EventId): Promise<QuarantinedEvent | undefined> {
    return this.#link.run(async (collections) => {
      const found = await heldUnder(collections, project, id);
      return found && quarantinedOf(found);
    });
  }

  count(): Promise<number> {
    return this.#link.run(({ quarantine }) => quarantine.estimatedDocumentCount());
  }

  amend(held: HeldEvent, revision: number): Promise<boolean> {
    return this.#link.run(async (collections) => {
      const { project, id, hash } = held.event;
      const existing = await heldUnder(collections, project, id);
      if (existing?.revision !== revision || existing.replay !== undefined) return false;
      const document = {
        ...existing,
        hash,
        receivedAt: held.event.receivedAt,
        revision: revision + 1,
        amended: existing.amended + 1,
        nonce: randomUUID(),
        held: JSON.stringify(held),
      };
      // The note comes first: without one the event would not be found.
      await noteHeld(collections, [document]);
      if (!(await replaceHeld(collections, existing, document))) return false;
      const older = { event: existing._id, amended: { $lt: document.amended } };
      await collections.quarantine.deleteMany(older);
      return true;
    });
  }

  release(project: ProjectId, id: EventId, batch: BatchId) {
    return this.#link.run(async (collections) => {
      for (;;) {
        const existing = await heldUnder(collections, project, id);
        if (existing === undefined) return undefined;
        const { replay } = existing;
        if (replay !== undefined) return { ...quarantinedOf(existing), replay };
        const released = { ...existing, replay: batch, revision: existing.revision + 1 };
        if (await replaceHeld(collections, existing, released)) {
          return { ...quarantinedOf(released), replay: batch };
        }
      }
    });
  }

  drop(project: ProjectId, id: EventId, at: number): Promise<"dropped" | "absent" | "replaying"> {
    return this.#link.run(async (collections) => {
      for (;;) {
        const existing = await heldUnder(collections, project, id);
        if (existing === undefined) return "absent";
        if (existing.replay !== undefined) return "replaying";
        if (await replaceHeld(collections, existing, tombstone({ at, reusable: true }))) {
          await forgetNotes(collections, [{ event: existing._id, batch: existing.heldBy }]);
          return "dropped";
        }
      }
    });
  }
}

async function heldUnder(
  { events }: Collections,
  project: ProjectId,
  id: EventId,
): Promise<HeldDocument | undefined> {
  const found = await events.findOne({ _id: eventKey(project, id) });
  return found !== null && isHeld(found) ? found : undefined;
}

/** Replaces an event in quarantine, as long as it is as it was read. */
async function replaceHeld(
  { events }: Collections,
  { _id, heldBy, revision }: HeldDocument,
  by: object,
): Promise<boolean> {
  const { _id: _, ...replacement } = by as HeldDocument;
  const filter = { _id, heldBy, revision } as object;
  const { matchedCount } = await events.replaceOne(filter, replacement as unknown as EventDocument);
  return matchedCount === 1;
}

/** The notes of a page, in its order. */
async function nextNotes(
  { quarantine }: Collections,
  { project, types, userId, limit, after }: QuarantineQuery,
): Promise<readonly QuarantineNote[]> {
  const filter = {
    project,
    ...(types !== undefined && { type: { $in: [...types] } }),
    ...(userId !== undefined && { userId: toColumn(userId) }),
  };
  const behind =
    after === undefined
      ? []
      : [
          { receivedAt: { $lt: after.receivedAt } },
          { receivedAt: after.receivedAt, id: { $lt: after.id } },
        ];
  return quarantine
    .find(behind.length === 0 ? filter : { $and: [filter, { $or: behind }] }, inOneAnswer)
    .sort({ receivedAt: -1, id: -1 })
    .limit(limit)
    .toArray();
}

function quarantinedOf({ held, revision, replay }: HeldDocument): QuarantinedEvent {
  const event = JSON.parse(held) as HeldEvent;
  return { held: event, revision, ...(replay !== undefined && { replay }) };
}
