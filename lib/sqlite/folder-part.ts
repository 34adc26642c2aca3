import { DatabaseSync } from "node:sqlite";
import { sizeOf } from "./files.ts";
import type { PartName } from "./folder-record.ts";
import { versionOf, type SchemaSteps } from "./schema-steps.ts";

/** A file of a data folder, with the way to create its tables. */
export interface FolderPart {
  readonly name: PartName;
  readonly file: string;
  readonly steps: SchemaSteps;
  /** Creates the file's tables as its owner would. */
  prepare(db: DatabaseSync, file: string): void;
}

/** The folder that a file belongs to, and its last start. */
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
 * A file up to these sizes that was not closed in order is checked before use. Measured: 1 s at
 * either size.
 */
const checkedBytes = { wholly: 32 * 1_048_576, quickly: 256 * 1_048_576 };

/** How long to wait for a backup that holds the file. */
const busyMs = 5_000;

/** Whether the file is absent or empty. Its log may still hold data: SQLite would delete it. */
export function isEmpty({ file }: FolderPart): boolean {
  return sizeOf(file) === 0;
}

/**
 * The identity of a file: `none` where a version without identities wrote it, `unset` where it was
 * created without one (by a process that could not read the folder).
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

/** Brings the file up to date, or creates it, and gives it an identity. Durable when it returns. */
export function identify(part: FolderPart, { folder, epoch }: Identity): void {
  withFile(part, (db) => {
    part.prepare(db, part.file);
    db.exec("BEGIN IMMEDIATE; DELETE FROM identity");
    db.prepare("INSERT INTO identity VALUES (?, ?)").run(folder, epoch);
    db.exec("COMMIT");
  });
}

/** The file is no database, or it is damaged. */
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
