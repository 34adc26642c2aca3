import {
  encodeRun,
  ownerHash,
  partName,
  placesInPart,
  placesInRun,
  type Owner,
  type OwnerHashes,
} from "./columns/places.ts";
import type { Database } from "./database.ts";
import { chunkSize } from "./schema.ts";

/** The first and the last number that events of a chunk can have. */
export function spanOf(chunk: number): readonly [first: number, last: number] {
  return [chunk * chunkSize, (chunk + 1) * chunkSize - 1];
}

const columnOf = { user: "user_id", correlation: "correlation_id" } as const;

/**
 * Finds the numbers of a chunk's events that may belong to an owner, of a project. The numbers
 * include all of the owner's events; they may include others' events, and one number twice.
 * @param text the owner as the column holds it
 */
export function placesOf(
  db: Database,
  project: string,
  chunk: number,
  owner: Owner,
  text: string,
): readonly number[] {
  const hash = ownerHash(text);
  const [first, last] = spanOf(chunk);
  const [part] =
    db.get(
      "SELECT bytes FROM columns WHERE chunk = ? AND name = ?",
      chunk,
      partName(owner, hash),
    ) ?? [];
  const places = part instanceof Uint8Array ? placesInPart(part, hash) : undefined;
  if (places) return places.map((place) => first + place);

  const runs = db.all("SELECT seq, hashes FROM places WHERE seq BETWEEN ? AND ?", first, last);
  const noted: number[] = [];
  // Events without notes, from earlier versions, come before all those with notes.
  let unknown = runs.length === 0 ? last : (runs[0]![0] as number) - 1;
  for (const [seq, bytes] of runs as readonly (readonly [number, Uint8Array])[]) {
    const found = placesInRun(bytes, owner, hash);
    if (found === undefined) unknown = last;
    else for (const place of found) noted.push(seq + place);
  }
  if (unknown < first) return noted;
  const looked = db.all(
    `SELECT seq FROM events NOT INDEXED
      WHERE seq BETWEEN ? AND ? AND project = ? AND ${columnOf[owner]} = ?`,
    first,
    unknown,
    project,
    text,
  );
  return [...looked.map(([seq]) => seq as number), ...noted];
}

/** Stores the owners' hashes of events that were stored one after the other. */
export function notePlaces(db: Database, seq: number, run: readonly OwnerHashes[]): void {
  db.run("INSERT OR REPLACE INTO places VALUES (?, ?)", seq, encodeRun(run));
}

/** Removes the notes of a chunk, whose columns hold the same hashes. */
export function dropNotes(db: Database, chunk: number): void {
  db.run("DELETE FROM places WHERE seq BETWEEN ? AND ?", ...spanOf(chunk));
}

/** Removes the columns of a chunk that has lost events. The store then writes them anew. */
export function forgetColumns(db: Database, chunk: number): void {
  db.run("DELETE FROM columns WHERE chunk = ?", chunk);
  dropNotes(db, chunk);
}
