import { startOf } from "../../counting/bucket.ts";
import { type EventQuery, meetsFilter, pathsIn, type Predicate } from "../../event/filter.ts";
import {
  subjectOf,
  type Claim,
  type Erasable,
  type ErasablePage,
  type Refusal,
} from "../erasing.ts";
import { eventColumns, fromColumn, toColumn, withoutBody, type EventRow } from "../rows.ts";
import { scansAlongTime } from "../scanning.ts";
import type { Database } from "./database.ts";
import { completeDelta, hasDelta } from "./deltas.ts";
import { page } from "./events.ts";
import { erasableHeld, holderOf, removeHeld } from "./quarantine.ts";
import { mayLack } from "./floors.ts";
import { touchDay } from "./marks.ts";
import { idText, keyForms } from "./narrow.ts";
import { overwriting } from "./overwriting.ts";
import { forgetColumns } from "./places.ts";
import { chunkSize, placeholder } from "./schema.ts";

type Table = "events" | "broken" | "quarantine";

/** Excludes events of a user that were accepted up to an instant, from now on. */
export function fence(db: Database, project: string, userId: string, before: number): void {
  db.run(
    "INSERT INTO fences VALUES (?, ?) ON CONFLICT DO UPDATE SET before = max(before, excluded.before)",
    subjectOf(project, userId),
    before,
  );
}

/** Whether an event of a batch was erased, or its user was, or its id became free too late. */
export function isRefused(db: Database, batch: string, row: EventRow): boolean {
  const [project, id, , , receivedAt, , , , user] = row;
  const tombstone = tombstoneOf(db, project, id);
  if (tombstone !== undefined) {
    if (bars(tombstone, receivedAt) || isPassedOver(db, batch, row)) return true;
  }
  return user !== null && isFenced(db, project, fromColumn(user), receivedAt);
}

/**
 * Whether the id of an event was freed only after its batch had counted the event's minute: it was
 * another's then, and the event stays out, since the batch's delta lacks it.
 */
function isPassedOver(db: Database, batch: string, [project, id, , timestamp]: EventRow): boolean {
  const isCounted = hasDelta(db, project, startOf("minute", timestamp), batch);
  return isCounted && stored(db, project, id) === undefined;
}

/** Those of some events that are refused, by their ids. */
export function refused(db: Database, project: string, claims: readonly Claim[]): string[] {
  return claims.filter((claim) => isRefusedClaim(db, project, claim)).map(({ id }) => id);
}

function isRefusedClaim(db: Database, project: string, { id, receivedAt, user }: Claim): boolean {
  const tombstone = tombstoneOf(db, project, id);
  if (tombstone !== undefined && bars(tombstone, receivedAt)) return true;
  return user !== undefined && isFenced(db, project, user, receivedAt);
}

type TombstoneRow = readonly [erasedAt: number, reusable: number];

function tombstoneOf(db: Database, project: string, id: string): TombstoneRow | undefined {
  return db.get(
    "SELECT erased_at, reusable FROM tombstones WHERE project = ? AND id = ?",
    project,
    id,
  ) as TombstoneRow | undefined;
}

function bars([erasedAt, reusable]: TombstoneRow, receivedAt: number): boolean {
  return reusable === 0 || receivedAt <= erasedAt;
}

function isFenced(db: Database, project: string, user: string, receivedAt: number): boolean {
  const subject = subjectOf(project, user);
  const found = db.get("SELECT before FROM fences WHERE subject = ?", subject);
  return found !== undefined && receivedAt <= (found[0] as number);
}

/**
 * Those in quarantine come first: an event that is released meanwhile is found among the stored
 * ones.
 */
export function erasable(db: Database, query: EventQuery, timeoutMs: number): ErasablePage {
  const held = query.after === undefined ? erasableHeld(db, query) : [];
  if (held.length > 0) return { events: held };
  // Any other search is of one owner, and cannot tell how far it has come.
  const limits = { maxBytes: Infinity, timeoutMs: scansAlongTime(query) ? timeoutMs : Infinity };
  const { rows, next } = page(db, query, limits);
  const found = rows.map(([, id, batch, timestamp]) => ({ id, batch, timestamp }));
  if (next !== undefined) return { events: found, next };
  return { events: [...found, ...damaged(db, query)] };
}

/**
 * The events among those that were set aside. None where the query asks for what their bodies said.
 */
function damaged(db: Database, query: EventQuery): readonly Erasable[] {
  const { project, userId, from = -Infinity, to = Infinity, where = [] } = query;
  if (where.some(asksBody)) return [];
  const ofUser = userId === undefined ? [] : [toColumn(userId)];
  const rows = db.all(
    `SELECT ${eventColumns} FROM broken WHERE project = ? AND timestamp >= ? AND timestamp < ?
      ${userId === undefined ? "" : "AND user_id = ?"}`,
    project,
    from,
    to,
    ...ofUser,
  ) as readonly unknown[] as readonly EventRow[];
  return rows
    .map(withoutBody)
    .filter((event) => meetsFilter(event, query))
    .map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
}

function asksBody(predicate: Predicate): boolean {
  return pathsIn(predicate).some(([top]) => ["data", "metadata", "context"].includes(top));
}

interface Held extends Erasable {
  readonly receivedAt: number;
}

/** The event of an id, even one that was set aside. */
export function stored(db: Database, project: string, id: string): Held | undefined {
  return heldIn(db, "events", project, id) ?? heldIn(db, "broken", project, id);
}

/** The event of an id, stored or in quarantine. */
export function holder(db: Database, project: string, id: string): Held | undefined {
  return stored(db, project, id) ?? heldIn(db, "quarantine", project, id);
}

/** The event of an id in one table. */
export function heldIn(db: Database, table: Table, project: string, id: string): Held | undefined {
  for (const key of keysIn(db, table, project, id)) {
    const row = db.get(
      `SELECT ${idText("batch")}, timestamp, received_at FROM ${table} WHERE project = ? AND id = ?`,
      ...key,
    ) as readonly [string, number, number] | undefined;
    if (row) return { id, batch: row[0], timestamp: row[1], receivedAt: row[2] };
  }
  return undefined;
}

/** The forms of an event's key in a table. */
function keysIn(
  db: Database,
  table: Table,
  project: string,
  id: string,
): ReturnType<typeof keyForms> {
  return table === "events" ? keyForms(db, project, id) : [[project, id]];
}

export function erasedAt(db: Database, project: string, id: string): number | undefined {
  if (holder(db, project, id) !== undefined) return undefined;
  return tombstoneOf(db, project, id)?.[0];
}

/** Removes an event from quarantine: events that are accepted later may have its id. */
export function dropHeld(
  db: Database,
  project: string,
  id: string,
  at: number,
): "dropped" | "absent" | "replaying" {
  const existing = holderOf(db, project, id);
  if (existing === undefined) return "absent";
  if (existing.replay !== null) return "replaying";
  removeHeld(db, project, id);
  putTombstone(db, project, id, { at, reusable: true });
  return "dropped";
}

/**
 * Removes events, refuses their ids, and gives their batches missing deltas: a batch that writes
 * its delta only now would still count erased events. The columns of their chunks are made again.
 */
export function erase(
  db: Database,
  project: string,
  gone: readonly Erasable[],
  refusal: Refusal,
  dimensions: readonly string[],
): void {
  overwriting(db, () => {
    removeAll(db, project, gone, refusal);
    for (const { batch, timestamp } of gone) {
      const minute = startOf("minute", timestamp);
      // In a minute whose events are partly gone the counts stay, but answers from events change.
      if (mayLack(db, project, minute)) touchDay(db, project, startOf("day", timestamp));
      else completeDelta(db, project, minute, batch, dimensions);
    }
  });
}

function removeAll(
  db: Database,
  project: string,
  gone: readonly Erasable[],
  refusal: Refusal,
): void {
  const [before] = db.get("SELECT max(seq) FROM events")!;
  const chunks = new Set<number>();
  for (const { id, batch } of gone) {
    const seq =
      remove(db, "events", project, id, batch) ?? remove(db, "broken", project, id, batch);
    if (seq !== undefined) chunks.add(Math.floor(seq / chunkSize));
    else if (remove(db, "quarantine", project, id, batch) === undefined) continue;
    putTombstone(db, project, id, refusal);
  }
  for (const chunk of chunks) forgetColumns(db, chunk);
  keepPlace(db, before as number | null);
}

/** @returns false where an event has the id */
export function refuse(db: Database, project: string, id: string, refusal: Refusal): boolean {
  if (holder(db, project, id) !== undefined) return false;
  putTombstone(db, project, id, refusal);
  return true;
}

function remove(
  db: Database,
  table: Table,
  project: string,
  id: string,
  batch: string,
): number | undefined {
  for (const key of keysIn(db, table, project, id)) {
    const row = db.get(
      `DELETE FROM ${table} WHERE project = ? AND id = ? AND ${idText("batch")} = ? RETURNING rowid`,
      ...key,
      batch,
    );
    if (row) return row[0] as number;
  }
  return undefined;
}

function putTombstone(db: Database, project: string, id: string, refusal: Refusal): void {
  db.run(
    `INSERT INTO tombstones VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET erased_at = max(erased_at, excluded.erased_at), reusable = excluded.reusable`,
    project,
    id,
    refusal.at,
    Number(refusal.reusable),
  );
}

/** Where the newest event is removed, its place in the order of storing must not be used again. */
export function keepPlace(db: Database, before: number | null): void {
  const [now] = db.get("SELECT max(seq) FROM events")!;
  if (before === null || now === before) return;
  db.run(
    `INSERT INTO events VALUES (?, '${placeholder}', ?, '', 0, 0, '', '', NULL, NULL, '', '{}')`,
    before,
    String(before),
  );
}
