import type { Cell, Column, ColumnCells } from "../fold.ts";
import { choice, described } from "../reading/field.ts";
import { none, Numbered } from "./numbered.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Whose events belong together: a user's (`userOf`), a correlation's, or a session's
 * (`metadata.sessionId`).
 */
export const actorKinds = ["user", "correlationId", "session"] as const;
export type ActorKind = (typeof actorKinds)[number];

/** `"by"`: a user's where it is absent. */
export const by = described(choice(actorKinds, "user"), "Whose events belong together");

/** What a fold reads to know whose an event is. */
export function actorColumn(by: ActorKind): Column {
  return by === "session" ? { path: ["metadata", "sessionId"] } : { field: by };
}

/**
 * Whose an event is: a text that is not empty, or a number (7 and "7" are one). `undefined` for
 * nobody's.
 */
export function actorOf(cell: Cell): string | undefined {
  if (typeof cell === "string") return cell === "" ? undefined : cell;
  return typeof cell === "number" ? String(cell) : undefined;
}

/** Whose the events of a column are, by the numbers of a timeline; `none` for nobody's. */
export function numberedActors(column: ColumnCells, timeline: Timeline): Numbered {
  return new Numbered(column, (cell) => {
    const actor = actorOf(cell);
    return actor === undefined ? none : timeline.numberOf(actor);
  });
}
