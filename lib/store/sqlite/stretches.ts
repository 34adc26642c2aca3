import type { Database } from "./database.ts";
import type { Position } from "../../event/event-page.ts";
import { scansOf, type PlacedFilter } from "./scan.ts";

/** How long a stretch should take: a call that stops the scan waits about this long. */
const aimMs = 25;
const firstSize = 2_000;
const largestSize = 65_536;

/**
 * Splits a scan along the time into stretches of so many events that each takes some 25 ms, whether
 * they meet the filter or not. The caller takes the next stretch when it has worked through the
 * last one.
 * @returns each stretch; `upTo` is where it ends, absent from the last one. A stretch may hold no
 *   event of the filter
 */
export function* stretchesOf<A extends PlacedFilter & { readonly order: "asc" | "desc" }>(
  db: Database,
  filter: A,
): Generator<A, void> {
  let size = firstSize;
  let { after } = filter;
  for (;;) {
    db.check();
    const stretch = { ...filter, after };
    const upTo = endOf(db, stretch, size);
    const startedAt = performance.now();
    yield { ...stretch, upTo };
    if (upTo === undefined) return;
    const tookMs = performance.now() - startedAt;
    if (tookMs < aimMs / 2) size = Math.min(size * 2, largestSize);
    else if (tookMs > aimMs) size = Math.max(Math.ceil(size / 2), 100);
    after = upTo;
  }
}

/**
 * The event so many after the beginning, of one type at most; the earliest of them in the order of
 * the query.
 */
function endOf(
  db: Database,
  { project, types, from, to, order, after }: PlacedFilter & { readonly order: "asc" | "desc" },
  size: number,
): Position | undefined {
  const along = { project, types, from, to, order, after };
  let end: Position | undefined;
  for (const { sql, parameters } of scansOf(db, along)) {
    const found = db.get(
      `SELECT timestamp, id ${sql} ORDER BY timestamp ${order}, id ${order} LIMIT 1 OFFSET ?`,
      ...parameters,
      size,
    );
    if (found === undefined) continue;
    const [timestamp, id] = found as readonly [number, string];
    if (end === undefined || comesBefore({ timestamp, id }, end, order)) end = { timestamp, id };
  }
  return end;
}

function comesBefore(a: Position, b: Position, order: "asc" | "desc"): boolean {
  const isEarlier = a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.id < b.id);
  return isEarlier === (order === "asc");
}
