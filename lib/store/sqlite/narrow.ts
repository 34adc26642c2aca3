import { eventColumns } from "../rows.ts";
import type { Position } from "../../event/event-page.ts";
import type { Database, Value } from "./database.ts";
import { overwriting } from "./overwriting.ts";

/*
 * Events are kept narrow: their project as a number, and ids that are UUIDs in lower case as their
 * 16 bytes, in the row and in each index. Other ids are texts. Files of earlier versions have events
 * with all of it as text, which `narrow` changes some at a time. Until it is done a project has
 * events of both forms, in two parts of each index.
 */

const dash = 0x2d;
const dashes = [8, 13, 18, 23];
const textLength = 36;
const uuidBytes = 16;

/** Where the digits of each byte begin. */
const bytePlaces = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** The value of each digit of `0-9a-f` by its character code; -1 for other characters. */
const digits = Int8Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

/**
 * Writes the 16 bytes of a UUID.
 * @returns false where the text is not a UUID in lower case; `into` has no meaning then
 */
export function writeUuid(text: string, into: Uint8Array): boolean {
  if (text.length !== textLength) return false;
  for (const at of dashes) if (text.charCodeAt(at) !== dash) return false;
  for (let byte = 0; byte < uuidBytes; byte++) {
    const at = bytePlaces[byte]!;
    const high = digits[text.charCodeAt(at)] ?? -1;
    const low = digits[text.charCodeAt(at + 1)] ?? -1;
    if (high < 0 || low < 0) return false;
    into[byte] = high * 16 + low;
  }
  return true;
}

/** The form in which an id or a batch is kept. */
export function narrowId(id: string): string | Uint8Array {
  const bytes = new Uint8Array(uuidBytes);
  return writeUuid(id, bytes) ? bytes : id;
}

/** All forms in which an id or a batch may be kept. */
export function idForms(id: string): readonly Value[] {
  return [...new Set([narrowId(id), id])];
}

/** SQL for the text of an id or a batch that is kept in either form. */
export function idText(column: string): string {
  const groups = [
    [1, 4],
    [5, 2],
    [7, 2],
    [9, 2],
    [11, 6],
  ].map(([from, length]) => `hex(substr(${column}, ${from}, ${length}))`);
  return `CASE typeof(${column}) WHEN 'blob' THEN lower(${groups.join(" || '-' || ")}) ELSE ${column} END`;
}

/** No id and no batch has this character. */
const packedMark = "!";

/**
 * SQL for an id or a batch in either form as a text of which `toldId` makes what `idText` gives:
 * together they take a quarter of its time.
 */
export function packedId(column: string): string {
  return `CASE typeof(${column}) WHEN 'blob' THEN '${packedMark}' || hex(${column}) ELSE ${column} END`;
}

export function toldId(packed: string): string {
  if (!packed.startsWith(packedMark)) return packed;
  const text = packed.toLowerCase();
  const groups = [text.slice(1, 9), text.slice(9, 13), text.slice(13, 17), text.slice(17, 21)];
  return `${groups.join("-")}-${text.slice(21)}`;
}

/** SQL for the name of an event's project. */
export const projectText = `CASE typeof(project) WHEN 'integer'
  THEN (SELECT name FROM projects WHERE n = project) ELSE project END`;

/** SQL for `eventColumns` of stored events as the texts that they stand for. */
export const toldColumns = eventColumns
  .replace(/\b(id|batch)\b/g, (column) => idText(column))
  .replace(/\bproject\b/, projectText);

/** SQL's pattern of a UUID in lower case. */
const uuidPattern = [8, 4, 4, 4, 12].map((length) => "[0-9a-f]".repeat(length)).join("-");

const isUuidText = `(typeof(id) = 'blob' OR id GLOB '${uuidPattern}')`;

/**
 * The order of events: by their instants; those of one instant by their ids, UUIDs after all
 * others.
 */
export interface Order {
  /** The columns to sort by, in SQL. */
  readonly columns: readonly string[];
  /** Whether the indexes have this order, so that a position in it can be sought. */
  readonly isIndexed: boolean;
  /** The values of these columns for an event. */
  readonly place: (position: Position) => readonly Value[];
}

const narrowOrder: Order = {
  columns: ["timestamp", "id"],
  isIndexed: true,
  place: ({ timestamp, id }) => [timestamp, narrowId(id)],
};

/** The same order, of events in either form. */
export const anyOrder: Order = {
  columns: ["timestamp", isUuidText, idText("id")],
  isIndexed: false,
  place: ({ timestamp, id }) => [timestamp, Number(isUuid(id)), id],
};

export function isEarlier(a: Position, b: Position): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp;
  const [is, other] = [isUuid(a.id), isUuid(b.id)];
  return is === other ? a.id < b.id : other;
}

const scratch = new Uint8Array(uuidBytes);

function isUuid(id: string): boolean {
  return writeUuid(id, scratch);
}

/** A form in which a project's events are kept: the value of their column, and their order. */
export interface Form {
  readonly project: Value;
  readonly order: Order;
}

/** The forms that a project's events may have; none where it never had an event. */
export function formsOf(db: Database, project: string): readonly Form[] {
  const [n, isDone] = db.get(
    "SELECT (SELECT n FROM projects WHERE name = ?), next > last FROM narrowing",
    project,
  )!;
  const forms: Form[] = [];
  if (n !== null) forms.push({ project: n!, order: narrowOrder });
  if (isDone === 0) forms.push({ project, order: anyOrder });
  return forms;
}

/** The values that the project's column may have. */
export function projectForms(db: Database, project: string): readonly Value[] {
  return formsOf(db, project).map((form) => form.project);
}

/** Each form of an event's key. */
export function keyForms(
  db: Database,
  project: string,
  id: string,
): readonly (readonly [project: Value, id: Value])[] {
  return formsOf(db, project).map((form) => [
    form.project,
    form.order === narrowOrder ? narrowId(id) : id,
  ]);
}

/** A condition that an event is of a project, whatever its form. */
export function inProject(
  db: Database,
  project: string,
): { readonly sql: string; readonly parameters: readonly Value[] } {
  const parameters = projectForms(db, project);
  const [first] = parameters;
  if (parameters.length === 1) return { sql: "project = ?", parameters: [first!] };
  return { sql: `project IN (${parameters.map(() => "?").join(", ")})`, parameters };
}

/**
 * The number of a project, which is given one where it has none.
 * @returns to be bound as it is: a JavaScript number would be kept as a floating-point one, which
 *   takes eight bytes
 */
export function numberProject(db: Database, project: string): bigint {
  db.run("INSERT INTO projects (name) VALUES (?) ON CONFLICT DO NOTHING", project);
  const [n] = db.get("SELECT n FROM projects WHERE name = ?", project) as unknown as [number];
  return BigInt(n);
}

/** Whether events of earlier versions wait for `narrow`. */
export function hasWide(db: Database): boolean {
  return db.get("SELECT next <= last FROM narrowing")![0] === 1;
}

/** How far `narrow` is: the numbers that events may have that wait for it. */
export interface Narrowing {
  readonly next: number;
  readonly last: number;
}

/** Narrows some events of an earlier version, the oldest first. It may be called again at any time. */
export function narrow(db: Database, limit: number): Narrowing {
  const [next, last] = db.get("SELECT next, last FROM narrowing") as unknown as [number, number];
  if (next > last) return { next, last };
  const [found] = db.get(
    "SELECT max(seq) FROM (SELECT seq FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?)",
    next,
    last,
    limit,
  ) as unknown as [number | null];
  const upTo = found ?? last;
  const wide = "seq BETWEEN ? AND ? AND typeof(project) = 'text' AND project <> ''";
  db.run(
    `INSERT INTO projects (name) SELECT DISTINCT project FROM events NOT INDEXED WHERE ${wide}
      ON CONFLICT DO NOTHING`,
    next,
    upTo,
  );
  const narrowed = (column: string) =>
    `${column} = CASE WHEN ${column} GLOB '${uuidPattern}' THEN unhex(${column}, '-') ELSE ${column} END`;
  const update = `UPDATE events NOT INDEXED
    SET project = (SELECT n FROM projects WHERE name = events.project),
      ${narrowed("id")}, ${narrowed("batch")} WHERE ${wide}`;
  overwriting(db, () => db.run(update, next, upTo));
  db.run("UPDATE narrowing SET next = ?", upTo + 1);
  return { next: upTo + 1, last };
}
