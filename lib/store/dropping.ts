import type { Floors } from "../counting/floors.ts";
import type { ProjectId } from "../event/event.ts";

/** What a store keeps apart by floors. */
export interface Dropping {
  /**
   * Up to where something lies below floors, each a start of a day, and the first day of the
   * project of which anything was ever marked.
   */
  below(
    project: ProjectId,
    floors: Floors,
  ): Promise<{ readonly lost: Floors; readonly from: number | null }>;

  /**
   * Remove up to so many rows that lie below floors: events, then what minutes were counted from,
   * then rollups. The days that are touched change their fingerprints.
   * @returns how many were removed; 0 where nothing is left
   */
  drop(project: ProjectId, floors: Floors, limit: number): Promise<number>;

  /**
   * Give some of the room that is not needed any more back to the system.
   * @returns how much is left to give; absent where the server sees to that
   */
  shrink?(): Promise<number>;
}
