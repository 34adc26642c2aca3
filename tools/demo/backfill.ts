import { setTimeout as delay } from "node:timers/promises";
import type { AnalyticsClient } from "../analytics-client.ts";
import type { MailEvent } from "./story.ts";

/** How many events of each type. */
type TypeTotals = ReadonlyMap<string, number>;

export interface Sent {
  readonly events: number;
  readonly byType: TypeTotals;
  /** Epoch milliseconds: everything was accepted by then. */
  readonly acceptedBy: number;
}

const batchEvents = 1_000;

/**
 * Sends events in batches, one after the other, telling of the progress after each. Resolves when
 * all are accepted, or early where the signal says so.
 */
export async function backfill(
  client: AnalyticsClient,
  events: Iterable<MailEvent>,
  signal?: AbortSignal,
  progress?: (events: number) => void,
): Promise<Sent> {
  const byType = new Map<string, number>();
  let sent = 0;
  for (const batch of batches(events)) {
    if (signal?.aborted) break;
    await client.post(batch);
    for (const { type } of batch) byType.set(type, (byType.get(type) ?? 0) + 1);
    sent += batch.length;
    progress?.(sent);
  }
  return { events: sent, byType, acceptedBy: Date.now() };
}

/**
 * The stream in arrays of a batch's size. Counting is left to the caller, who knows what was
 * accepted.
 */
function* batches(events: Iterable<MailEvent>): Generator<readonly MailEvent[], void> {
  let batch: MailEvent[] = [];
  for (const event of events) {
    batch.push(event);
    if (batch.length < batchEvents) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** A range of timestamps, half open, epoch milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * The events of a range by type, as the service counts them; `undefined` while they may lack some
 * that were accepted by an instant.
 */
async function countTypes(
  client: AnalyticsClient,
  { from, to }: Range,
  acceptedBy: number,
): Promise<TypeTotals | undefined> {
  const { data, meta } = await client.counts({ from: iso(from), to: iso(to) });
  if (!meta.exact || Date.parse(meta.asOf) < acceptedBy) return undefined;
  return new Map(data.map(({ type, count }) => [type, count]));
}

/** The same, waited for. @throws Error where it takes longer than five minutes */
export async function countAccepted(
  client: AnalyticsClient,
  range: Range,
  acceptedBy: number,
): Promise<TypeTotals> {
  const deadline = performance.now() + 300_000;
  while (performance.now() < deadline) {
    const counted = await countTypes(client, range, acceptedBy);
    if (counted !== undefined) return counted;
    await delay(100);
  }
  throw new Error("the events were accepted, but are not counted after five minutes");
}

export interface Comparison {
  readonly type: string;
  readonly sent: number;
  /** How many the service counted before. */
  readonly before: number;
  /** How many more it counts now. */
  readonly counted: number;
}

/**
 * What was sent beside what is counted now and was not before, by type; also types that only one
 * side has.
 */
export function compare(
  sent: TypeTotals,
  before: TypeTotals,
  after: TypeTotals,
): readonly Comparison[] {
  const types = new Set([...sent.keys(), ...after.keys(), ...before.keys()]);
  return [...types]
    .map((type) => ({
      type,
      sent: sent.get(type) ?? 0,
      before: before.get(type) ?? 0,
      counted: (after.get(type) ?? 0) - (before.get(type) ?? 0),
    }))
    .filter(({ sent, counted }) => sent > 0 || counted !== 0)
    .sort((one, other) => other.sent - one.sent || (one.type < other.type ? -1 : 1));
}

export function iso(instant: number): string {
  return new Date(instant).toISOString();
}
