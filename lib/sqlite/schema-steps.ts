import type { DatabaseSync } from "node:sqlite";

/**
 * How a SQLite file got its tables: the first step makes those of version 1, each further one turns
 * a file of the version before into the next. `PRAGMA user_version` says how many steps a file has
 * seen. A step that was released never changes: what is to be different is a step more.
 */
export type SchemaSteps = readonly [string, ...string[]];

/** The file was written by a version that knows more than this one: it must not be touched. */
export class NewerSchema extends Error {
  override readonly name = "NewerSchema";

  constructor(file: string, found: number, known: number) {
    super(
      `${file} was written by a newer version (schema ${found}, this version knows ${known}); ` +
        "start the newer version again or move the file away",
    );
  }
}

/** Take a file through the steps that it lacks, all of them or none. @throws NewerSchema */
export function migrate(db: DatabaseSync, file: string, steps: SchemaSteps): void {
  if (versionOf(db, file, steps) === steps.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of steps.slice(versionOf(db, file, steps))) db.exec(step);
    db.exec(`PRAGMA user_version = ${steps.length}; COMMIT;`);
  } finally {
    if (db.isTransaction) db.exec("ROLLBACK");
  }
}

/** 0 for a file without tables. @throws NewerSchema */
export function versionOf(db: DatabaseSync, file: string, steps: SchemaSteps): number {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > steps.length) throw new NewerSchema(file, version, steps.length);
  return version;
}
