import { type Database, usualDelete } from "./database.ts";

/**
 * Carries out work within a transaction, and overwrites all that it removes or replaces. Otherwise
 * that is done only within pages that are written anyway: pages that become free keep their bytes
 * until something else is written there. May be nested.
 */
export function overwriting<T>(db: Database, work: () => T): T {
  const [isOverwriting] = db.get("PRAGMA secure_delete")!;
  if (isOverwriting === 1) return work();
  db.all("PRAGMA secure_delete = ON");
  try {
    return work();
  } finally {
    db.all(`PRAGMA secure_delete = ${usualDelete}`);
  }
}
