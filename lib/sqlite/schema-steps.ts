import type { DatabaseSync } from "node:sqlite";

/**
 * The schema of a SQLite file as steps: the first one creates the tables of version 1, each further
 * one turns a file of the version before into the next. `PRAGMA user_version` says how many steps a
 * file has seen. A released step never changes: a change of the schema is a new step.
 */
export type SchemaSteps = readonly [string, ...string[]];

/** A newer version wrote the file: this one must not touch it. */
export class NewerSchema extends Error {
  override readonly name = "NewerSchema";

  constructor(file: string, found: number, known: number) {
    super(
      `${file} was written by a newer version (schema ${found}, this version knows ${known}); ` +
        "start the newer version again or move the file away",
    );
  }
}

/**
 * Takes a file through its missing steps, all of them or none.
 * @throws NewerSchema
 */
export function migrate(db: DatabaseSync, file: string, steps: SchemaSteps): void {
  if (versionOf(db, file, steps) === steps.length) return;
  db.exec("BEGIN IMMEDIATE");
  // A step may change what kinds of values a column takes, which only the schema's own text says.
  db.enableDefensive(false);
  try {
    for (const step of steps.slice(versionOf(db, file, steps))) db.exec(step);
    db.exec(`PRAGMA user_version = ${steps.length}; COMMIT;`);
  } finally {
    db.enableDefensive(true);
    if (db.isTransaction) db.exec("ROLLBACK");
  }
}

/**
 * The version of a file; 0 for one without tables.
 * @throws NewerSchema
 */
export function versionOf(db: DatabaseSync, file: string, steps: SchemaSteps): number {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > steps.length) throw new NewerSchema(file, version, steps.length);
  return version;
}
