import { DatabaseSync } from "node:sqlite";
import { idText, projectText } from "../../lib/store/sqlite/narrow.ts";

/** Gives a file's events the form in which versions before schema 13 kept them. */
export function widen(file: string): void {
  const db = new DatabaseSync(file);
  db.exec(`BEGIN;
    UPDATE events SET project = ${projectText}, id = ${idText("id")}, batch = ${idText("batch")};
    DELETE FROM projects;
    UPDATE narrowing SET next = 0, last = (SELECT coalesce(max(seq), -1) FROM events);
    COMMIT;`);
  db.close();
}
