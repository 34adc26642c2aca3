import { floorOf, isBelow, noFloors, rawFloor, type Floors } from "../../counting/floors.ts";
import { retentionKey, type RetentionState } from "../retention.ts";
import type { EventRow } from "../rows.ts";
import type { Database } from "./database.ts";

function stateIn(db: Database, project: string): RetentionState | undefined {
  const found = db.get(
    "SELECT state FROM jobs WHERE project = ? AND id = ?",
    ...retentionKey(project),
  );
  return found && (JSON.parse(found[0] as string) as RetentionState);
}

/** Returns whether an event is older than its project's retention for its type. */
export function tooOld(db: Database): (row: EventRow) => boolean {
  const floors = new Map<string, Floors>();
  return ([project, , , timestamp, , type]) => {
    let refused = floors.get(project);
    if (refused === undefined) {
      refused = stateIn(db, project)?.refused ?? noFloors;
      floors.set(project, refused);
    }
    return isBelow(timestamp, floorOf(refused, type));
  };
}

/** Whether events of a minute may be gone, so that it must not be recounted. */
export function mayLack(db: Database, project: string, minute: number): boolean {
  return isBelow(minute, rawFloor(stateIn(db, project)?.sealed ?? noFloors));
}

/** `mayLack` for many minutes, with one look for each project. */
export function lacking(db: Database): (project: string, minute: number) => boolean {
  const floors = new Map<string, number | null>();
  return (project, minute) => {
    let floor = floors.get(project);
    if (floor === undefined) {
      floor = rawFloor(stateIn(db, project)?.sealed ?? noFloors);
      floors.set(project, floor);
    }
    return isBelow(minute, floor);
  };
}
