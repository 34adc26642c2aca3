import { startOf } from "../../counting/bucket.ts";
import { isBroken, putBack } from "./broken.ts";
import type { Database, Row, Value } from "./database.ts";
import { hasWide, idText, keyForms, numberProject, writeUuid } from "./narrow.ts";
import { eventColumns, type EventRow, rowsOf } from "../rows.ts";
import { markCounted, touchDays } from "./marks.ts";
import { chunkSize } from "./schema.ts";
import { notePlaces, ownerHashes, type OwnerHashes } from "./places.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import { heldIn, isRefused, stored } from "./erase.ts";
import { hold, holderOf, removeHeld } from "./quarantine.ts";
import { lacking, tooOld } from "./floors.ts";
import { countInserted, hasDelta, putDeltas, recountNow } from "./deltas.ts";

/**
 * The outcome of `append`: for each group, the positions of the events in the batch. Events that
 * were found to break their schema follow the others, so their positions come after the last row.
 */
interface Appended {
  readonly owned: readonly number[];
  readonly foreign: readonly { readonly at: number; readonly hash: string }[];
  readonly held: readonly number[];
}

/** An event that was found to break its schema. */
export interface HeldRow {
  readonly row: EventRow;
  readonly held: HeldEvent;
}

const insert = `INSERT INTO events (${eventColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (project, id) DO NOTHING`;

/**
 * Inserts the events that are absent and not refused, and puts events that break their schema into
 * quarantine. A minute that the batch has counted before is counted anew where an event came late.
 * @returns the outcome of each event; `null` where all events are the batch's own
 */
export function append(
  db: Database,
  batch: string,
  rows: readonly EventRow[],
  broken: readonly HeldRow[],
  dimensions: readonly string[],
): Appended | null {
  const inserted = insertAbsent(db, batch, rows, broken);
  inserted.spans.touchDays(db);
  countLate(db, batch, inserted.fresh(), dimensions);
  countRestored(db, inserted.restored, dimensions);
  return inserted.appended;
}

/**
 * Counts those minutes of inserted events anew in which their batch has a delta, without them. In a
 * minute that cannot be counted anew the events are counted at once.
 */
function countLate(
  db: Database,
  batch: string,
  fresh: readonly EventRow[],
  dimensions: readonly string[],
): void {
  const lacks = lacking(db);
  for (const [project, minute, rows] of byMinuteOf(fresh)) {
    if (lacks(project, minute)) {
      countInserted(db, [project, "minute", minute], batch, rows, dimensions);
    } else if (hasDelta(db, project, minute, batch)) {
      recountNow(db, project, minute, dimensions);
    }
  }
}

/**
 * Counts the minutes of restored events anew: a count since they were set aside knew nothing of
 * their bodies.
 */
function countRestored(
  db: Database,
  restored: readonly EventRow[],
  dimensions: readonly string[],
): void {
  for (const [project, minute] of byMinuteOf(restored)) {
    recountNow(db, project, minute, dimensions);
  }
}

type MinuteRows = readonly [project: string, minute: number, rows: readonly EventRow[]];

/** Events by their projects and minutes. */
function byMinuteOf(rows: readonly EventRow[]): readonly MinuteRows[] {
  const projects = Map.groupBy(rows, ([project]) => project);
  return [...projects].flatMap(([project, ofProject]) => {
    const minutes = Map.groupBy(ofProject, ([, , , timestamp]) => startOf("minute", timestamp));
    return [...minutes].map(([minute, ofMinute]) => [project, minute, ofMinute] as const);
  });
}

interface Inserted {
  readonly appended: Appended | null;
  readonly spans: Spans;
  /** Finds the rows that were stored now, and never before. */
  readonly fresh: () => readonly EventRow[];
  /** The events that were set aside before, and are stored again. */
  readonly restored: readonly EventRow[];
}

/** `append`, but for fingerprints of days and for counts, which are left as they are. */
function insertAbsent(
  db: Database,
  batch: string,
  rows: readonly EventRow[],
  broken: readonly HeldRow[],
): Inserted {
  const inserted = inserter(db);
  const spans = new Spans();
  const there: number[] = [];
  const refused: number[] = [];
  const held: number[] = [];
  const restored: EventRow[] = [];
  const foreign: { readonly at: number; readonly hash: string }[] = [];
  const { hasBroken, hasRefusals, hasHeld } = obstaclesIn(db);
  const isWide = hasWide(db);
  const isTooOld = tooOld(db);
  /** Decides an event's fate, where that needs no look whether the event is stored. */
  const isDecided = (row: EventRow, at: number): boolean => {
    if (isTooOld(row) || (hasRefusals && isRefused(db, batch, row))) {
      refused.push(at);
      return true;
    }
    const holder = hasHeld ? holderOf(db, row[0], row[1]) : undefined;
    if (holder === undefined) return false;
    if (holder.replay === batch) {
      removeHeld(db, row[0], row[1]);
      return false;
    }
    if (holder.batch === batch) held.push(at);
    else foreign.push({ at, hash: holder.hash });
    return true;
  };
  rows.forEach((row, at) => {
    if (isDecided(row, at)) return;
    const mended = hasBroken ? putBack(db, row) : undefined;
    const conflicts = hasBroken && mended === undefined && isBroken(db, row);
    if (mended !== undefined) restored.push(mended);
    if (mended !== undefined || conflicts) there.push(at);
    if (conflicts) return;
    const isThere = isWide && heldIn(db, "events", row[0], row[1]) !== undefined;
    const seq = isThere ? undefined : inserted(mended ?? row);
    if (seq !== undefined) spans.add(mended ?? row, seq);
    else if (mended === undefined) there.push(at);
  });
  broken.forEach((one, index) => {
    const at = rows.length + index;
    if (isDecided(one.row, at)) return;
    if (stored(db, one.row[0], one.row[1]) !== undefined) {
      there.push(at);
      return;
    }
    hold(db, one.held, batch);
    held.push(at);
  });
  spans.write(db);
  if (there.length + refused.length + held.length + foreign.length === 0) {
    return { appended: null, spans, fresh: () => rows, restored };
  }
  const passedOver = new Set([...there, ...refused, ...held, ...foreign.map(({ at }) => at)]);
  const fresh = () => rows.filter((_, at) => !passedOver.has(at));
  const all = [...rows, ...broken.map(({ row }) => row)];
  foreign.push(...strangers(db, batch, all, there));
  const others = new Set([...foreign.map(({ at }) => at), ...refused, ...held]);
  if (others.size === 0 && broken.length === 0) return { appended: null, spans, fresh, restored };
  const owned = [...all.keys()].filter((at) => !others.has(at));
  return { appended: { owned, foreign, held }, spans, fresh, restored };
}

/**
 * Inserts rows that are absent.
 * @returns what inserts one row, and returns its number; `undefined` where the event is there
 */
function inserter(db: Database): (row: EventRow) => number | undefined {
  const statement = db.prepared(insert);
  const numbers = new Map<string, bigint>();
  const numberOf = (project: string) => {
    const known = numbers.get(project) ?? numberProject(db, project);
    numbers.set(project, known);
    return known;
  };
  const [idBytes, batchBytes] = [new Uint8Array(16), new Uint8Array(16)];
  let [batchText, batchValue]: readonly [string, Value] = ["", ""];
  return ([project, id, batch, ...others]) => {
    if (batch !== batchText) {
      batchText = batch;
      batchValue = writeUuid(batch, batchBytes) ? batchBytes : batch;
    }
    const { changes, lastInsertRowid } = statement.run(
      numberOf(project),
      // The statement copies what it is given.
      writeUuid(id, idBytes) ? idBytes : id,
      batchValue,
      ...others,
    );
    return changes > 0 ? Number(lastInsertRowid) : undefined;
  };
}

/** Which tables hold events or users that a new event may meet: nearly always none. */
function obstaclesIn(db: Database) {
  const [broken, refusals, held] = db.get(
    `SELECT EXISTS (SELECT 1 FROM broken),
      EXISTS (SELECT 1 FROM tombstones) OR EXISTS (SELECT 1 FROM fences),
      EXISTS (SELECT 1 FROM quarantine)`,
  )!;
  return { hasBroken: broken === 1, hasRefusals: refusals === 1, hasHeld: held === 1 };
}

/** Picks, of the events that were stored before, those that another batch owns. */
function strangers(
  db: Database,
  batch: string,
  rows: readonly EventRow[],
  there: readonly number[],
): readonly { readonly at: number; readonly hash: string }[] {
  const foreign: { readonly at: number; readonly hash: string }[] = [];
  for (const at of there) {
    const [project, id] = rows[at]!;
    const [owner, hash] = ownerOf(db, project, id);
    if (owner !== batch) foreign.push({ at, hash });
  }
  return foreign;
}

/** The batch and the hash of an event that is stored, or was set aside. */
function ownerOf(
  db: Database,
  project: string,
  id: string,
): readonly [batch: string, hash: string] {
  const places = [
    ...keyForms(db, project, id).map((key) => ["events", ...key] as const),
    ["broken", project, id] as const,
  ];
  for (const [table, ...key] of places) {
    const told = `SELECT ${idText("batch")}, hash FROM ${table} WHERE project = ? AND id = ?`;
    const found = db.get(told, ...key);
    if (found !== undefined) return found as unknown as readonly [string, string];
  }
  throw new Error(`no event ${id} in project ${project}`);
}

/**
 * Collects the changes that new events make besides their own rows: the bounds of their chunks, the
 * notes of their owners, the nonces of their days.
 */
class Spans {
  readonly #chunks = new Map<string, { readonly row: Row; oldest: number; newest: number }>();
  readonly #days = new Map<string, Set<number>>();
  /**
   * The owners' hashes of events that were stored one after the other in one chunk, by the number
   * of the first event.
   */
  readonly #runs = new Map<number, OwnerHashes[]>();
  #run: OwnerHashes[] = [];
  #next: number | undefined;

  add([project, , , timestamp, , , , correlation, user]: EventRow, seq: number): void {
    const chunk = Math.floor(seq / chunkSize);
    if (seq !== this.#next || seq % chunkSize === 0) this.#runs.set(seq, (this.#run = []));
    this.#run.push(ownerHashes(user, correlation));
    this.#next = seq + 1;
    const key = `${chunk} ${project}`;
    const span = this.#chunks.get(key);
    if (span === undefined) {
      this.#chunks.set(key, { row: [project, chunk], oldest: timestamp, newest: timestamp });
    } else {
      span.oldest = Math.min(span.oldest, timestamp);
      span.newest = Math.max(span.newest, timestamp);
    }
    const day = startOf("day", timestamp);
    const days = this.#days.get(project);
    if (days === undefined) this.#days.set(project, new Set([day]));
    else days.add(day);
  }

  write(db: Database): void {
    for (const { row, oldest, newest } of this.#chunks.values()) {
      db.run(
        `INSERT INTO chunks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
          SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)`,
        ...row,
        oldest,
        newest,
      );
    }
    for (const [seq, run] of this.#runs) notePlaces(db, seq, run);
  }

  touchDays(db: Database): void {
    for (const [project, days] of this.#days) touchDays(db, project, days);
  }
}

/**
 * Carries out steps 2 to 5 of the protocol in their order, within the caller's transaction, where
 * the batch owns all of its events. Of any other batch only the events are inserted; the caller
 * counts what that batch adds.
 * @returns whether the batch owns all of its events
 */
export function keepWhole(
  db: Database,
  batch: string,
  bytes: Uint8Array,
  dimensions: readonly string[],
): boolean {
  const { events, deltas } = rowsOf({ bytes });
  const { appended, spans, fresh, restored } = insertAbsent(db, batch, events, []);
  countRestored(db, restored, dimensions);
  if (appended !== null) {
    spans.touchDays(db);
    countLate(db, batch, fresh(), dimensions);
    return false;
  }
  const existing = putDeltas(db, deltas, dimensions);
  if (existing.length > 0) {
    const minutes = new Set(existing.map((at) => deltas[at]![1]));
    const isCounted = ([, , , timestamp]: EventRow) => minutes.has(startOf("minute", timestamp));
    countLate(db, batch, fresh().filter(isCounted), dimensions);
  }
  markCounted(
    db,
    deltas.map(([project, minute]) => [project, minute]),
  );
  return true;
}
