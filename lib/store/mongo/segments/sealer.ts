import type { Sealed } from "../../store.ts";
import { clock } from "../../time-limit.ts";
import type { Collections } from "../documents.ts";
import { buildNext } from "./build.ts";
import type { BundleLimits } from "./bundles.ts";
import { mergeNext } from "./merge.ts";
import { nextProject, seal, segmentLimits } from "./seal.ts";
import { Adoption } from "./whole.ts";

/** The time after which a pass seals, builds or looks at no further segment. */
const workMs = 1_000;

interface SealerOptions {
  /** For how long after the first sealer began processes of an earlier version may still store. */
  readonly adoptsAfterMs?: number | undefined;
  /** The most events of a segment. */
  readonly segmentMaxEvents?: number | undefined;
  readonly workMs?: number;
  readonly bundleLimits?: BundleLimits | undefined;
}

/**
 * Turns batches into segments, a few at a time, so that other work gets its turn at the database,
 * and merges small segments while there is nothing else to do, one bundle at a time.
 * All projects have their turn, however many there are: a pass begins after the project that the
 * last pass ended with.
 */
export class Sealer {
  readonly #adoption: Adoption;

  readonly #maxEvents: number;
  readonly #workMs: number;
  readonly #bundleLimits: BundleLimits | undefined;

  /** The last project that had its turn; empty before the first one. */
  #after = "";
  /** Whether a project's turn ended before it had no more to seal, since the first one's turn. */
  #isCut = false;

  constructor(options: SealerOptions = {}) {
    this.#adoption = new Adoption(options.adoptsAfterMs);
    this.#maxEvents = options.segmentMaxEvents ?? segmentLimits.events;
    this.#workMs = options.workMs ?? workMs;
    this.#bundleLimits = options.bundleLimits;
  }

  async pass(collections: Collections, now: number): Promise<Sealed> {
    const isAdopting = await this.#adoption.goOn(collections, now);
    const isSealing = await this.#sealSome(collections, now);
    const { events, isMore } = await this.#buildSome(collections, now);
    if (isMore || isAdopting || isSealing) return { events, merged: 0, isMore: true };
    const merged = await this.#mergeSome(collections, now);
    return { events, merged: merged ?? 0, isMore: merged !== undefined };
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

  async #buildSome(
    collections: Collections,
    now: number,
  ): Promise<Pick<Sealed, "events" | "isMore">> {
    const isOver = clock(this.#workMs);
    let events = 0;
    let built: number | undefined;
    do {
      built = await buildNext(collections, now);
      events += built ?? 0;
    } while (built !== undefined && !isOver());
    return { events, isMore: built !== undefined };
  }

  /** @returns the number of events of the one bundle that was merged; `undefined`: nothing is left */
  async #mergeSome(collections: Collections, now: number): Promise<number | undefined> {
    const isOver = clock(this.#workMs);
    let merged: number | undefined;
    do merged = await mergeNext(collections, now, this.#bundleLimits);
    while (merged === 0 && !isOver());
    return merged;
  }
}
