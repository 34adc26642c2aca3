import type { Cell, Column, ColumnCells } from "../fold.ts";
import { choice, described } from "../reading/field.ts";
import { isOfShare, type Share } from "../share.ts";
import { none, Numbered } from "./numbered.ts";
import type { Timeline } from "./timeline.ts";

/**
 * How events belong together: by user (`userOf`), by correlation, or by session
 * (`metadata.sessionId`).
 */
export const actorKinds = ["user", "correlationId", "session"] as const;
export type ActorKind = (typeof actorKinds)[number];

/** `"by"`: absent: by user. */
export const by = described(choice(actorKinds, "user"), "Whose events belong together");

/** The column that a fold reads to know an event's actor. */
export function actorColumn(by: ActorKind): Column {
  return by === "session" ? { path: ["metadata", "sessionId"] } : { field: by };
}

/**
 * The actor of an event: a text that is not empty, or a number (7 and "7" are one user).
 * `undefined` where it has none.
 */
export function actorOf(cell: Cell): string | undefined {
  if (typeof cell === "string") return cell === "" ? undefined : cell;
  return typeof cell === "number" ? String(cell) : undefined;
}

/** As `actorOf`; `undefined` also for those of other shares. */
export function actorWithin(share: Share, cell: Cell): string | undefined {
  const actor = actorOf(cell);
  return actor !== undefined && isOfShare(share, actor) ? actor : undefined;
}

/**
 * Whose the events of a column are, by the numbers of a timeline; `none` for nobody's and those of
 * other shares.
 */
export function numberedActors(column: ColumnCells, share: Share, timeline: Timeline): Numbered {
  return new Numbered(column, (cell) => {
    const actor = actorWithin(share, cell);
    return actor === undefined ? none : timeline.numberOf(actor);
  });
}
