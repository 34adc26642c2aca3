import { DatabaseSync } from "node:sqlite";
import { sizeOf } from "./files.ts";
import type { PartName } from "./folder-record.ts";
import { versionOf, type SchemaSteps } from "./schema-steps.ts";

/** A file of a data folder, and how it gets its tables. */
export interface FolderPart {
  readonly name: PartName;
  readonly file: string;
  readonly steps: SchemaSteps;
  /** Make the file's tables as its owner would. */
  prepare(db: DatabaseSync, file: string): void;
}

/** Which folder a file belongs to, and the last start of which it was part. */
export interface Identity {
  readonly folder: string;
  readonly epoch: string;
}

/** The table of `Identity`, a step of each file's schema. */
export const identityStep = `
  -- Of one row: which data folder the file belongs to, and a text that changes with each start.
  CREATE TABLE identity (folder TEXT NOT NULL, epoch TEXT NOT NULL) STRICT;
`;

/**
 * Up to these sizes a file that was not closed in order is checked before it is used. Measured: 1 s
 * at either.
 */
const checkedBytes = { wholly: 32 * 1_048_576, quickly: 256 * 1_048_576 };

/** A backup may hold the file for a moment. */
const busyMs = 5_000;

/**
 * Whether there is nothing of the file. Beside its log that says little: SQLite would delete the
 * log.
 */
export function isEmpty({ file }: FolderPart): boolean {
  return sizeOf(file) === 0;
}

/**
 * What a file says of itself: `none` where a version wrote it that knew no identities, `unset`
 * where it was made without one (by a process whose folder could not be looked at).
 * @param check whether to look for damage where the file is not too large for that
 * @throws NewerSchema, DamagedFile, or SQLite's error
 */
export function identityOf(part: FolderPart, check: boolean): Identity | "none" | "unset" {
  return withFile(part, (db) => {
    const version = versionOf(db, part.file, part.steps);
    if (check) checkFile(db, part.file);
    const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'identity'").get();
    if (table === undefined) return version === 0 ? "unset" : "none";
    return (
      (db.prepare("SELECT folder, epoch FROM identity").get() as Identity | undefined) ?? "unset"
    );
  });
}

/**
 * Bring the file up to date, made where it is missing, and give it an identity. Durable when it
 * returns.
 */
export function identify(part: FolderPart, { folder, epoch }: Identity): void {
  withFile(part, (db) => {
    part.prepare(db, part.file);
    db.exec("BEGIN IMMEDIATE; DELETE FROM identity");
    db.prepare("INSERT INTO identity VALUES (?, ?)").run(folder, epoch);
    db.exec("COMMIT");
  });
}

/** The file is no database, or not a whole one. */
export class DamagedFile extends Error {
  override readonly name = "DamagedFile";
}

function checkFile(db: DatabaseSync, file: string): void {
  const size = sizeOf(file) + sizeOf(`${file}-wal`);
  if (size > checkedBytes.quickly) return;
  const pragma = size > checkedBytes.wholly ? "quick_check" : "integrity_check";
  const found = db.prepare(`PRAGMA ${pragma}(1)`).all();
  const verdict = String(Object.values(found[0] ?? {})[0]);
  if (verdict !== "ok") throw new DamagedFile(verdict.replaceAll(/\s+/g, " "));
}

function withFile<T>({ file }: FolderPart, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { timeout: busyMs });
  try {
    return work(db);
  } catch (error) {
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
    // SQLITE_CORRUPT, SQLITE_NOTADB
    if (code === 11 || code === 26) throw new DamagedFile((error as Error).message);
    throw error;
  } finally {
    db.close();
  }
}
