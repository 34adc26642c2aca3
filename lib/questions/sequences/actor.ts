import { hashBytes } from "../../counting/sketch.ts";
import { firstValue, type Cell, type Column, type ColumnCells } from "../fold.ts";
import { choice, described } from "../reading/field.ts";
import { isOfShare, wholeShare, type Share } from "../share.ts";
import { none, Numbered } from "./numbered.ts";
import type { Timeline } from "./timeline.ts";

/**
 * The kinds of actors whose events belong together: users (`userOf`), correlations, or sessions
 * (`metadata.sessionId`).
 */
export const actorKinds = ["user", "correlationId", "session"] as const;
export type ActorKind = (typeof actorKinds)[number];

/** The field `"by"`. Where it is absent, actors are users. */
export const by = described(choice(actorKinds, "user"), "Whose events belong together");

/**
 * The column that a fold reads to know an event's actor. Shares are divided by the names of users,
 * so hashes do where there is only one.
 */
export function actorColumn(by: ActorKind, share: Share = wholeShare): Column {
  if (by === "session") return { path: ["metadata", "sessionId"] };
  return by === "user" && share.of === 1 ? { field: by, mayBeHashed: true } : { field: by };
}

/**
 * The actor of an event: a text that is not empty, or a number (7 and "7" are one user).
 * @returns `undefined` where the event has no actor
 */
export function actorOf(cell: Cell): string | undefined {
  if (typeof cell === "string") return cell === "" ? undefined : cell;
  return typeof cell === "number" ? String(cell) : undefined;
}

/**
 * The actor of an event, as `actorOf`; `undefined` also where the actor belongs to another share.
 */
export function actorWithin(share: Share, cell: Cell): string | undefined {
  const actor = actorOf(cell);
  return actor !== undefined && isOfShare(share, actor) ? actor : undefined;
}

/**
 * The actors of a column's events, as numbers of a timeline; `none` where an event has no actor, or
 * an actor of another share.
 */
export function numberedActors(column: ColumnCells, share: Share, timeline: Timeline): Numbered {
  if ("hashes" in column) {
    const { numbers, hashes } = column;
    return new Numbered(numbers, firstValue + hashes.length / hashBytes, (number) =>
      number < firstValue ? none : timeline.numberOfHash(hashes, (number - firstValue) * hashBytes),
    );
  }
  return Numbered.ofCells(column, (cell) => {
    const actor = actorWithin(share, cell);
    return actor === undefined ? none : timeline.numberOf(actor);
  });
}
