/** Fewer events than these say nothing of how long one takes. */
const leastEvents = 20_000;

/** By how much the quickest pace is forgotten each time: a machine may have become slower. */
const forgetting = 1.02;

/**
 * How long an event takes, measured on the questions that this process has answered: for each kind of
 * work the quickest pace, so that what is expected is rather too little than too much.
 */
export class Pace {
  /** Milliseconds of one node for one event, by the kind of work. */
  readonly #paces = new Map<string, number>();

  /**
   * Takes down what some work took.
   * @param nodes how many nodes shared it
   * @param isWhole false where it was stopped before it was done: then it would have taken longer
   */
  note(kind: string, events: number, ms: number, nodes: number, isWhole: boolean): void {
    if (events < leastEvents) return;
    const pace = (ms * nodes) / events;
    const known = this.#paces.get(kind);
    if (known === undefined) this.#paces.set(kind, pace);
    else if (isWhole) this.#paces.set(kind, Math.min(pace, known * forgetting));
  }

  /** The milliseconds that some work takes at least; 0 where nothing of its kind was measured yet. */
  expected(kind: string, events: number, nodes: number): number {
    return (events * (this.#paces.get(kind) ?? 0)) / nodes;
  }
}
