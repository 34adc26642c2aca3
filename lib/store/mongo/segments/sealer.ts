import type { Sealed } from "../../store.ts";
import type { Collections } from "../documents.ts";
import { buildNext } from "./build.ts";
import { nextProject, seal, segmentLimits } from "./seal.ts";
import { Adoption } from "./whole.ts";

/** The time after which a pass begins no further piece of work. */
const passMs = 1_000;

/**
 * Turns batches into segments, a few at a time, so that other work gets its turn at the database.
 */
export class Sealer {
  readonly #adoption: Adoption;

  readonly #maxEvents: number;

  /** @param maxEvents the most events of a segment */
  constructor(graceMs?: number, maxEvents: number = segmentLimits.events) {
    this.#adoption = new Adoption(graceMs);
    this.#maxEvents = maxEvents;
  }

  async pass(collections: Collections, now: number): Promise<Sealed> {
    const endsAt = performance.now() + passMs;
    const isLeft = () => performance.now() < endsAt;
    let isMore = await this.#adoption.goOn(collections, now);
    let project = await nextProject(collections, "");
    for (; project !== undefined; project = await nextProject(collections, project)) {
      while (isLeft() && (await seal(collections, project, now, this.#maxEvents)));
    }
    let events = 0;
    let built: number | undefined = 0;
    while (isLeft() && (built = await buildNext(collections, now)) !== undefined) events += built;
    isMore ||= built !== undefined || !isLeft();
    return { events, isMore };
  }
}
