import { meets } from "../event/predicate.ts";
import type { StoredEvent } from "../event/event.ts";
import { sentText } from "../event/shown-value.ts";
import type { SectionRow } from "../store/store.ts";
import type { Breakdown, Group } from "./breakdown.ts";
import type { Period } from "./calendar.ts";
import { isCut, NONE, type TypeCounts, type UserSketches, type ValueCounts } from "./cells.ts";
import { assign } from "./cover.ts";
import type { RollupPlan } from "./plan.ts";
import type { QueryQuestion } from "./query-question.ts";
import { estimate, mergeAll, type Sketch } from "./sketch.ts";

/** What a rollup plan led to: rows of any grain, of deltas, of events; in any order. */
export interface RollupRows {
  /** Of the plan's section. */
  readonly values: readonly SectionRow<string>[];
  readonly users: readonly SectionRow<"users">[];
}

/** The groups of a question that rollups answer, as `breakdownFold` would make them of the events. */
export function rollupGroups(
  question: QueryQuestion,
  plan: RollupPlan,
  rows: RollupRows,
  periods?: readonly Pick<Period, "start" | "end">[],
): Breakdown & { readonly exact: boolean } {
  const { dimensions, metrics, totals } = question;
  const tallies = new Tallies(dimensions);
  const total = new Tally([]);
  const counts = filterOf(plan);
  const periodOf = (start: number) => (periods === undefined ? 0 : assign(periods, start));
  let exact = true;

  for (const row of rows.values) {
    const period = periodOf(row.start);
    if (period < 0) continue;
    if (plan.section !== "types" && !row.exact && isCut(row.cells)) exact = false;
    for (const [type, value, count] of cellsOf(row.cells, plan.section)) {
      if (!counts(type, value)) continue;
      tallies.of(type, value, period).count += count;
      total.count += count;
    }
  }
  for (const { start, cells } of rows.users) {
    const period = periodOf(start);
    if (period < 0) continue;
    for (const type of Object.keys(cells)) {
      if (!counts(type, NONE)) continue;
      tallies.of(type, NONE, period).sketches.push(cells[type]!);
      total.sketches.push(cells[type]!);
    }
  }

  const ops = metrics.map(({ metric }) => metric.op);
  const asked = (tally: Tally) => ops.map((op) => (op === "count" ? tally.count : tally.users));
  const groups: Group[] = tallies.all.map((tally) => ({
    dimensions: tally.key,
    metrics: asked(tally),
  }));
  // Of all events together there is a group also where there are no events.
  if (dimensions.length === 0 && groups.length === 0)
    groups.push({ dimensions: [], metrics: asked(total) });
  return { groups, ...(totals && { totals: asked(total) }), exact };
}

/** A tally for each combination of what is asked for: of type, value and period, in any order, some of them or none. */
class Tallies {
  readonly all: Tally[] = [];
  readonly #dimensions: QueryQuestion["dimensions"];
  readonly #found = new Map<string, Map<string, Tally[]>>();
  readonly #asksType: boolean;
  readonly #asksValue: boolean;
  readonly #asksTime: boolean;

  constructor(dimensions: QueryQuestion["dimensions"]) {
    const kinds = dimensions.map(kindOf);
    this.#dimensions = dimensions;
    this.#asksType = kinds.includes("type");
    this.#asksValue = kinds.includes("value");
    this.#asksTime = kinds.includes("time");
  }

  of(type: string, value: string, period: number): Tally {
    const [t, v] = [this.#asksType ? type : NONE, this.#asksValue ? value : NONE];
    let ofType = this.#found.get(t);
    if (ofType === undefined) this.#found.set(t, (ofType = new Map<string, Tally[]>()));
    let ofValue = ofType.get(v);
    if (ofValue === undefined) ofType.set(v, (ofValue = []));
    return (ofValue[this.#asksTime ? period : 0] ??= this.#begun(type, value, period));
  }

  #begun(type: string, value: string, period: number): Tally {
    const parts = { type, value, time: period };
    const tally = new Tally(this.#dimensions.map((dimension) => parts[kindOf(dimension)]));
    this.all.push(tally);
    return tally;
  }
}

/** What of a cell a dimension of a rollup plan asks for. */
function kindOf({ dimension }: QueryQuestion["dimensions"][number]): "type" | "value" | "time" {
  if ("time" in dimension) return "time";
  return dimension.path[0] === "type" && dimension.path.length === 1 ? "type" : "value";
}

class Tally {
  readonly key: readonly (string | number)[];
  count = 0;
  readonly sketches: Sketch[] = [];

  constructor(key: readonly (string | number)[]) {
    this.key = key;
  }

  get users(): number {
    return estimate(mergeAll(this.sketches));
  }
}

function* cellsOf(
  cells: TypeCounts | ValueCounts | UserSketches,
  section: string,
): Generator<readonly [type: string, value: string, count: number]> {
  for (const type of Object.keys(cells)) {
    if (section === "types") {
      yield [type, NONE, (cells as TypeCounts)[type]!];
      continue;
    }
    const counts = (cells as ValueCounts)[type]!;
    for (const value of Object.keys(counts)) yield [type, value, counts[value]!];
  }
}

/** Whether the events of a type and a value meet the plan's filter, each pair judged once. */
function filterOf({ filter, section }: RollupPlan): (type: string, value: string) => boolean {
  if (filter === undefined) return () => true;
  const known = new Map<string, Map<string, boolean>>();
  return (type, value) => {
    let ofType = known.get(type);
    if (ofType === undefined) known.set(type, (ofType = new Map<string, boolean>()));
    let met = ofType.get(value);
    if (met === undefined)
      ofType.set(value, (met = meets(eventWith(type, section, value), filter)));
    return met;
  };
}

/** An event of a type with a property that counts under a value. */
function eventWith(type: string, section: string, value: string): Partial<StoredEvent> {
  const event: Record<string, unknown> = { type };
  if (section === "types" || value === NONE) return event;
  const path = section.split(".");
  const isBoolean = section === "context.bot" || section === "context.machine";
  let at = event;
  for (const segment of path.slice(0, -1)) at = at[segment] = {} as Record<string, unknown>;
  at[path.at(-1)!] = isBoolean ? value === "true" : sentText(value);
  return event;
}
