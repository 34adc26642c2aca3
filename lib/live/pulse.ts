import type { StoredPart } from "../store/stored.ts";

/** How many seconds are kept: the bars of the page's chart. */
export const barCount = 60;
const typesShown = 20;

export interface PulseSecond {
  readonly perSecond: number;
  readonly types: readonly { readonly type: string; readonly count: number }[];
  /** The events of all other types; absent where there are none. */
  readonly other?: number;
}

/** How many events of one project were stored, second by second. */
export class Pulse {
  readonly #bars: number[];
  #now = new Map<string, number>();

  /** @param bars the counts of past seconds, the newest last */
  constructor(bars: readonly number[]) {
    this.#bars = [...bars];
  }

  get bars(): readonly number[] {
    return this.#bars;
  }

  add(project: string, counts: StoredPart["counts"]): void {
    for (const [of, type, count] of counts) {
      if (of === project) this.#now.set(type, (this.#now.get(type) ?? 0) + count);
    }
  }

  /** Ends the current second and returns it. */
  tick(): PulseSecond {
    const types = [...this.#now].map(([type, count]) => ({ type, count }));
    types.sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1));
    const sum = (rows: readonly { readonly count: number }[]) =>
      rows.reduce((total, { count }) => total + count, 0);
    const perSecond = sum(types);
    const other = sum(types.slice(typesShown));
    this.#now = new Map();
    this.#bars.push(perSecond);
    this.#bars.splice(0, this.#bars.length - barCount);
    return { perSecond, types: types.slice(0, typesShown), ...(other > 0 && { other }) };
  }
}
