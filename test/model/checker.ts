/** A system of actors: where it begins, every atomic step that some actor can take, and what must hold. */
export interface Model<State> {
  readonly initial: State;
  /** Call `emit` for every step possible in this state. Deterministic: the same state emits the same steps in the same order. */
  steps(state: State, emit: Emit<State>): void;
  /** Equal for states from which the same can happen. */
  key(state: State): string;
  /** The property that this state breaks. */
  broken(state: State): string | undefined;
  /** Nothing is left to do. */
  quiet(state: State): boolean;
}

/** One step. `broken` is the property that taking it breaks, for what a state alone cannot show. */
export type Emit<State> = (label: string, next: State, broken?: string) => void;

export interface Outcome {
  /** Distinct states, up to the violation where there is one. */
  readonly states: number;
  readonly transitions: number;
  /** Steps from the beginning to the farthest state. */
  readonly depth: number;
  readonly quiet: number;
  /** The nearest one: no shorter run of the system breaks a property. */
  readonly violation: Violation | undefined;
}

interface Violation {
  readonly property: string;
  /** The steps that lead there, in order. */
  readonly trace: readonly string[];
}

export const stuck = "from every state a quiet one can be reached";

/**
 * Visit every reachable state, breadth first, and check each state and each step; then check that
 * from every state a quiet one can be reached. Stops at the first violation, which is a shortest one.
 * Keeps about 200 bytes for each state: its key, its predecessor and its edges.
 * @throws RangeError past `limit` states, for models that grow without end
 */
export function explore<State>(model: Model<State>, limit = 3_000_000): Outcome {
  const indexes = new Map<string, number>([[model.key(model.initial), 0]]);
  const parents: number[] = [-1];
  const vias: number[] = [-1];
  const quiet: number[] = model.quiet(model.initial) ? [0] : [];
  /** The successors of state `i` are `edges[firsts[i]]` up to `edges[firsts[i + 1]]`. */
  const edges: number[] = [];
  const firsts: number[] = [];
  let frontier: State[] = [model.initial];
  let expanded = 0;
  let depth = 0;
  let violation: Violation | undefined;
  const property = model.broken(model.initial);
  if (property !== undefined) violation = { property, trace: [] };

  while (frontier.length > 0 && violation === undefined) {
    const found: State[] = [];
    for (const state of frontier) {
      const from = expanded++;
      let via = -1;
      firsts.push(edges.length);
      model.steps(state, (_, next, brokenStep) => {
        via++;
        const key = model.key(next);
        let index = indexes.get(key);
        let broken = brokenStep;
        if (index === undefined) {
          index = parents.length;
          if (index >= limit) throw new RangeError(`more than ${limit} states`);
          indexes.set(key, index);
          parents.push(from);
          vias.push(via);
          found.push(next);
          if (model.quiet(next)) quiet.push(index);
          broken ??= model.broken(next);
        }
        edges.push(index);
        if (broken !== undefined && violation === undefined) {
          violation = { property: broken, trace: replay(model, [...path(from), via]) };
        }
      });
      if (violation !== undefined) break;
    }
    if (found.length > 0) depth++;
    frontier = found;
  }

  if (violation === undefined) {
    firsts.push(edges.length);
    const lost = unable(quiet);
    if (lost !== -1) violation = { property: stuck, trace: replay(model, path(lost)) };
  }
  return {
    states: parents.length,
    transitions: edges.length,
    depth,
    quiet: quiet.length,
    violation,
  };

  /** Which step to take in each state, from the beginning to this one. */
  function path(index: number): readonly number[] {
    const steps: number[] = [];
    for (let at = index; at > 0; at = parents[at] ?? 0) steps.push(vias[at] ?? 0);
    return steps.reverse();
  }

  /** The first state from which none of these can be reached; -1 where there is none. */
  function unable(goals: readonly number[]): number {
    const able = new Uint8Array(parents.length);
    for (const goal of goals) able[goal] = 1;
    for (let changed = true; changed;) {
      changed = false;
      for (let from = able.length - 1; from >= 0; from--) {
        if (able[from] === 1) continue;
        const end = firsts[from + 1] ?? 0;
        for (let edge = firsts[from] ?? 0; edge < end; edge++) {
          if (able[edges[edge] ?? 0] === 1) {
            able[from] = 1;
            changed = true;
            break;
          }
        }
      }
    }
    return able.indexOf(0);
  }
}

/** Take the chosen steps from the beginning and tell what each was. */
function replay<State>(model: Model<State>, choices: readonly number[]): readonly string[] {
  let state = model.initial;
  return choices.map((choice) => {
    const from = state;
    let via = -1;
    let taken = "";
    model.steps(from, (label, next) => {
      if (++via !== choice) return;
      taken = label;
      state = next;
    });
    return taken;
  });
}
