import type { Sealed } from "../../store.ts";
import { clock } from "../../time-limit.ts";
import type { Collections } from "../documents.ts";
import { buildNext } from "./build.ts";
import { nextProject, seal, segmentLimits } from "./seal.ts";
import { Adoption } from "./whole.ts";

/** The time after which a pass seals, or builds, no further segment. */
const workMs = 1_000;

/**
 * Turns batches into segments, a few at a time, so that other work gets its turn at the database.
 * All projects have their turn, however many there are: a pass begins after the project that the
 * last pass ended with.
 */
export class Sealer {
  readonly #adoption: Adoption;

  readonly #maxEvents: number;
  readonly #workMs: number;

  /** The last project that had its turn; empty before the first one. */
  #after = "";
  /** Whether a project's turn ended before it had no more to seal, since the first one's turn. */
  #isCut = false;

  /** @param maxEvents the most events of a segment */
  constructor(graceMs?: number, maxEvents: number = segmentLimits.events, ownWorkMs = workMs) {
    this.#adoption = new Adoption(graceMs);
    this.#maxEvents = maxEvents;
    this.#workMs = ownWorkMs;
  }

  async pass(collections: Collections, now: number): Promise<Sealed> {
    const isAdopting = await this.#adoption.goOn(collections, now);
    const isSealing = await this.#sealSome(collections, now);
    const { events, isMore } = await this.#buildSome(collections, now);
    return { events, isMore: isMore || isAdopting || isSealing };
  }

  /** @returns whether there is more to seal */
  async #sealSome(collections: Collections, now: number): Promise<boolean> {
    const isOver = clock(this.#workMs);
    do {
      const project = await nextProject(collections, this.#after);
      this.#after = project ?? "";
      if (project === undefined) {
        const isCut = this.#isCut;
        this.#isCut = false;
        return isCut;
      }
      let isMore: boolean;
      do isMore = await seal(collections, project, now, this.#maxEvents);
      while (isMore && !isOver());
      this.#isCut ||= isMore;
    } while (!isOver());
    return true;
  }

  async #buildSome(collections: Collections, now: number): Promise<Sealed> {
    const isOver = clock(this.#workMs);
    let events = 0;
    let built: number | undefined;
    do {
      built = await buildNext(collections, now);
      events += built ?? 0;
    } while (built !== undefined && !isOver());
    return { events, isMore: built !== undefined };
  }
}
