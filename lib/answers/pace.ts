/** The fewest events from which a piece of work shows how long an event takes. */
const leastEvents = 20_000;

/**
 * The factor by which a pace becomes slower with each measurement: a machine may have become
 * slower.
 */
const forgetting = 1.02;

/**
 * Remembers how long an event takes, measured on the questions that this process has answered. It
 * keeps the quickest pace of each kind of work, so that estimates are rather too low than too high.
 */
export class Pace {
  /** Milliseconds of one node for one event, by the kind of work. */
  readonly #paces = new Map<string, number>();

  /**
   * Records how long some work took.
   * @param nodes the number of nodes that shared the work
   * @param isWhole false where the work was stopped before it was done: it would have taken longer
   */
  note(kind: string, events: number, ms: number, nodes: number, isWhole: boolean): void {
    if (events < leastEvents) return;
    const pace = (ms * nodes) / events;
    const known = this.#paces.get(kind);
    if (known === undefined) this.#paces.set(kind, pace);
    else if (isWhole) this.#paces.set(kind, Math.min(pace, known * forgetting));
  }

  /**
   * The milliseconds that some work takes at least; 0 where no work of its kind was measured yet.
   */
  expected(kind: string, events: number, nodes: number): number {
    return (events * (this.#paces.get(kind) ?? 0)) / nodes;
  }
}
