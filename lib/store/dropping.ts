import type { Floors } from "../counting/floors.ts";
import type { ProjectId } from "../event/event.ts";

/** Dropping of data below the floors of retention. */
export interface Dropping {
  /**
   * The end of the data that lies below floors, each a start of a day, and the first day of the
   * project that was ever marked.
   */
  below(
    project: ProjectId,
    floors: Floors,
  ): Promise<{ readonly lost: Floors; readonly from: number | null }>;

  /**
   * Removes up to `limit` rows below floors: events, then deltas, then rollups. The fingerprints of
   * their days change.
   * @returns how many were removed; 0 where nothing is left
   */
  drop(project: ProjectId, floors: Floors, limit: number): Promise<number>;

  /**
   * Gives some unused space back to the system.
   * @returns how much is left to give; absent where the server does that itself
   */
  shrink?(): Promise<number>;
}
