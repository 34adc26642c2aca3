import { meets } from "../event/filter.ts";
import type { StoredEvent } from "../event/event.ts";
import { sentText } from "../event/shown-value.ts";
import {
  type SectionRow,
  NONE,
  record,
  type TypeCounts,
  type UserSketches,
  type ValueCounts,
} from "../counting/cells.ts";
import type { Breakdown, Group } from "../questions/query/breakdown.ts";
import type { Period } from "../counting/calendar.ts";
import { assign } from "../counting/cover.ts";
import { FoldOverflow } from "../questions/fold.ts";
import { maxGroups, type RollupPlan } from "./plan.ts";
import type { QueryQuestion } from "../questions/query/question.ts";
import { emptySketch, estimate, isExact, mergeAll, type Sketch } from "../counting/sketch.ts";

/** The most sketches of a group that are held before they are merged. */
const maxHeld = 16;

/**
 * The groups of a question that rollups answer, equal to what `breakdownFold` makes of the events.
 * Takes rows of any grain, of deltas and of events, in any order; each row lies within one period.
 */
export class RollupGroups {
  readonly #question: QueryQuestion;
  readonly #plan: RollupPlan;
  readonly #periods: readonly Pick<Period, "start" | "end">[] | undefined;
  readonly #counts: (type: string, value: string) => boolean;
  readonly #tallies: Tallies;
  readonly #total = new Tally([]);

  constructor(
    question: QueryQuestion,
    plan: RollupPlan,
    periods?: readonly Pick<Period, "start" | "end">[],
  ) {
    this.#question = question;
    this.#plan = plan;
    this.#periods = periods;
    this.#counts = filterOf(plan);
    this.#tallies = new Tallies(question.dimensions);
  }

  /**
   * Takes a row of the plan's section.
   * @throws FoldOverflow where there are too many groups
   */
  addValues({ start, cells }: SectionRow<string>): void {
    const period = this.#periodOf(start);
    if (period < 0) return;
    for (const [type, value, count] of cellsOf(cells, this.#plan.section)) {
      if (!this.#counts(type, value)) continue;
      this.#tallies.of(type, value, period).count += count;
      this.#total.count += count;
    }
  }

  /** @throws FoldOverflow where there are too many groups */
  addUsers({ start, cells }: SectionRow<"users">): void {
    const period = this.#periodOf(start);
    if (period < 0) return;
    for (const type of Object.keys(cells)) {
      if (!this.#counts(type, NONE)) continue;
      this.#tallies.of(type, NONE, period).addUsers(cells[type]!);
      this.#total.addUsers(cells[type]!);
    }
  }

  finish(): Breakdown {
    const { dimensions, metrics, totals } = this.#question;
    const ops = metrics.map(({ metric }) => metric.op);
    let estimated = false;
    const metricsOf = (tally: Tally) => {
      const users = ops.includes("uniques") ? tally.users : emptySketch;
      estimated ||= !isExact(users);
      return ops.map((op) => (op === "count" ? tally.count : estimate(users)));
    };
    const groups: Group[] = this.#tallies.all.map((tally) => ({
      dimensions: tally.key,
      metrics: metricsOf(tally),
    }));
    // A question without dimensions has one group, also where there are no events.
    if (dimensions.length === 0 && groups.length === 0)
      groups.push({ dimensions: [], metrics: metricsOf(this.#total) });
    const total = totals ? metricsOf(this.#total) : undefined;
    return { groups, ...(total && { totals: total }), estimated };
  }

  #periodOf(start: number): number {
    return this.#periods === undefined ? 0 : assign(this.#periods, start);
  }
}

/**
 * A tally for each combination of the question's dimensions: any of type, value and period, in any
 * order.
 */
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
    if (this.all.length === maxGroups) {
      throw new FoldOverflow(`the answer has more than ${maxGroups} groups`);
    }
    const parts = { type, value, time: period };
    const tally = new Tally(this.#dimensions.map((dimension) => parts[kindOf(dimension)]));
    this.all.push(tally);
    return tally;
  }
}

/** Whether a dimension of a rollup plan is the cell's type, its value or its period. */
function kindOf({ dimension }: QueryQuestion["dimensions"][number]): "type" | "value" | "time" {
  if ("time" in dimension) return "time";
  return dimension.path[0] === "type" && dimension.path.length === 1 ? "type" : "value";
}

class Tally {
  readonly key: readonly (string | number)[];
  count = 0;
  #sketches: Sketch[] = [];

  constructor(key: readonly (string | number)[]) {
    this.key = key;
  }

  addUsers(sketch: Sketch): void {
    if (this.#sketches.length === maxHeld) this.#sketches = [this.users];
    this.#sketches.push(sketch);
  }

  get users(): Sketch {
    return mergeAll(this.#sketches);
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

/** Whether any of a row's cells meets a filter. */
export function hasSome(
  cells: TypeCounts | ValueCounts,
  section: string,
  meets: ReturnType<typeof filterOf>,
): boolean {
  for (const [type, value] of cellsOf(cells, section)) if (meets(type, value)) return true;
  return false;
}

/**
 * Decides whether events of a type and a value meet the plan's filter; each pair is judged once.
 */
export function filterOf({
  filter,
  section,
}: RollupPlan): (type: string, value: string) => boolean {
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
  const event = record<unknown>();
  event["type"] = type;
  if (section === "types" || value === NONE) return event;
  const path = section.split(".");
  const isBoolean = section === "context.bot" || section === "context.machine";
  let at = event;
  for (const segment of path.slice(0, -1)) at = at[segment] = record<unknown>();
  at[path.at(-1)!] = isBoolean ? value === "true" : sentText(value);
  return event;
}
