import { DatabaseSync } from "node:sqlite";
import type { Database } from "./database.ts";

/** The pages of the log from which it is copied: before the writer has to (`prepareWriter`). */
const dueFrom = 2_000;

/**
 * Copies the log into the file and syncs both while the writer goes on. A sync can take tenths of a
 * second, for which no commit would come through. The writer, which begins the log anew, then has
 * little left to copy.
 * @throws where the file cannot be written: the writer meets the same fault by itself
 */
export function checkpoint(db: Database): void {
  const own = new DatabaseSync(db.file, { timeout: 0 });
  try {
    const { log, checkpointed } = own.prepare("PRAGMA wal_checkpoint(NOOP)").get() as {
      readonly log: number;
      readonly checkpointed: number;
    };
    if (log - checkpointed >= dueFrom) own.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } finally {
    own.close();
  }
}
