import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

export interface ShopEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly source: string;
  readonly correlationId: string;
  readonly data: Readonly<Record<string, string>>;
  readonly metadata: { readonly userId: string; readonly sessionId: string };
}

/** The shop's log, in its own order: 31,106 events. */
export function readShopLog(): readonly ShopEvent[] {
  const file = join(import.meta.dirname, "../fixtures/shop-events.ndjson.gz");
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as ShopEvent);
}

/** A plain recount: how many events of each type lie in `[from, to)`. */
export function recount(
  events: readonly ShopEvent[],
  from: number = -Infinity,
  to: number = Infinity,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { type, timestamp } of events) {
    const instant = Date.parse(timestamp);
    if (instant >= from && instant < to) counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** A plain recount by calendar day of a zone: `2024-03-10` to counts by type. Independent of the service's own calendar. */
export function recountDays(
  events: readonly ShopEvent[],
  timeZone: string,
): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const days = new Map<string, Record<string, number>>();
  for (const { type, timestamp } of events) {
    const day = format.format(Date.parse(timestamp));
    const counts = days.get(day) ?? {};
    counts[type] = (counts[type] ?? 0) + 1;
    days.set(day, counts);
  }
  return days;
}

/** Chance from a seed (mulberry32), so that a failing run can be run again. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A new order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/**
 * The order in which events arrive: each up to three days after it happened, and one in ten at any
 * time after that.
 */
export function arriving(events: readonly ShopEvent[], random: () => number): ShopEvent[] {
  const instants = events.map(({ timestamp }) => Date.parse(timestamp));
  const end = instants.reduce((latest, instant) => Math.max(latest, instant), -Infinity);
  const arrivals = instants.map((instant) => {
    const latestMs = random() < 0.1 ? end - instant : 3 * 86_400_000;
    return instant + random() * latestMs;
  });
  return events
    .map((event, at) => ({ event, at: arrivals[at]! }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
