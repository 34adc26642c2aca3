import { firstInstant, lastInstant } from "../event/instant.ts";
import { batchWith, decodeBatch } from "../event/batch-message.ts";
import type { BatchMessage, ProjectId, StoredEvent } from "../event/event.ts";
import { claimOf, type Claim, type Erasable, type Erasing } from "./erasing.ts";
import { eraseWhole } from "./erasure-job.ts";
import { hiddenOf } from "./hidden.ts";
import type { JobStore } from "./jobs.ts";
import type { EventStore } from "./store.ts";

/** An event that was taken out of a message. */
interface Gone extends Erasable, Pick<StoredEvent, "receivedAt"> {
  /** Whether events that are accepted later may have its id. */
  readonly reusable: boolean;
}

/** A batch message without the events that were, or are being, erased. */
interface Stripped {
  readonly body: Uint8Array;
  readonly project: ProjectId;
  /** The events that were taken out. */
  readonly gone: readonly Gone[];
  /** How many events are left. */
  readonly left: number;
}

/**
 * Takes erased events out of a message that was never stored, as `append` would leave them out. An
 * open erasure by a filter counts as well.
 * @returns `undefined` where the message holds none of them, or cannot be read as a batch
 */
export async function withoutErased(
  store: Pick<Erasing, "refused"> & JobStore,
  body: Uint8Array,
): Promise<Stripped | undefined> {
  const message = readable(body);
  if (message === undefined) return undefined;
  const { project, events } = message;
  // Open erasures are read first: one that is done by then has refused its events.
  const hidden = await hiddenOf(store, project);
  const claims = events.map(claimIn);
  const refused = await store.refused(project, claims);
  const eventAt = (at: number) => ({ ...partOf(events[at]), project });
  const isGone = (at: number) => refused.has(claims[at]!.id) || hidden?.hides(eventAt(at)) === true;
  const places = events.map((_, at) => at).filter(isGone);
  if (places.length === 0) return undefined;
  const without = new Set(places);
  const left = events.filter((_, at) => !without.has(at));
  const gone = places.map((at) => ({
    id: claims[at]!.id,
    batch: message.batch,
    timestamp: partOf(events[at]).timestamp ?? NaN,
    receivedAt: claims[at]!.receivedAt,
    reusable: hidden?.frees(eventAt(at)) ?? false,
  }));
  return { body: batchWith(body, message, left), project, gone, left: left.length };
}

/**
 * Does with the events that were taken out of a message what a delivery of it would have done: takes
 * them out of the store, where an earlier delivery put them, and counts their minutes anew. It must
 * be done before the message is replaced, since no delivery will do it afterwards.
 */
export async function finishGone(
  store: EventStore,
  { project, gone }: Pick<Stripped, "project" | "gone">,
): Promise<void> {
  const known: Gone[] = [];
  for (const one of gone) {
    // An event without an instant was never stored.
    if (isInstant(one.timestamp) && (await isKnown(store, project, one))) known.push(one);
  }
  for (const [reusable, some] of Map.groupBy(known, (one) => one.reusable)) {
    const at = Math.max(...some.map(({ receivedAt }) => receivedAt));
    await eraseWhole(store, project, some, { at, reusable });
  }
}

/** Whether a delivery of the batch may have stored the event. */
async function isKnown(
  store: EventStore,
  project: ProjectId,
  { id, batch }: Erasable,
): Promise<boolean> {
  const holder = await store.holder(project, id);
  if (holder !== undefined) return holder.batch === batch;
  return (await store.erasedAt(project, id)) !== undefined;
}

function readable(body: Uint8Array): BatchMessage | undefined {
  try {
    return decodeBatch(body);
  } catch {
    return undefined;
  }
}

/**
 * A dead message may have failed because an event of it lacks what every event has. One without an
 * id is named by its place, as no event can be named.
 */
function claimIn(event: unknown, at: number): Claim {
  const { id, receivedAt, metadata } = partOf(event);
  return claimOf({
    id: typeof id === "string" ? id : `?${at}`,
    receivedAt: typeof receivedAt === "number" ? receivedAt : 0,
    ...(isObject(metadata) && { metadata }),
  });
}

function isInstant(timestamp: number): boolean {
  return timestamp >= firstInstant && timestamp <= lastInstant;
}

function partOf(event: unknown): Partial<StoredEvent> {
  return isObject(event) ? event : {};
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
