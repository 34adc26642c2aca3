import { hasElements, nameOf } from "../../event/property-path.ts";
import type { Period } from "../../counting/calendar.ts";
import { assign } from "../../counting/cover.ts";
import {
  firstValue,
  FoldOverflow,
  type Cell,
  type Column,
  type ColumnCells,
  type Fold,
  type Instants,
  type NumberedCells,
} from "../fold.ts";
import { Children } from "./children.ts";
import { topOf, type Top } from "./group-order.ts";
import { GroupTree, type GroupNode, type GroupValues } from "./group-tree.ts";
import { hashBytes } from "../../counting/sketch.ts";
import { columnOfDimension, type Dimension } from "./dimension.ts";
import { accumulatorOf, columnOfMetric, Users, type Accumulator, type Metric } from "./metric.ts";

/** Metrics of events, grouped. */
export interface BreakdownJob {
  readonly kind: "breakdown";
  readonly metrics: readonly Metric[];
  /** At most one dimension is `time`. */
  readonly dimensions: readonly Dimension[];
  /** The periods, ascending, not overlapping. Events outside of all periods are not counted. */
  readonly periods?: readonly Pick<Period, "start" | "end">[];
  /** Whether the answer includes the metrics of all events together. */
  readonly totals: boolean;
  /** The most groups; more of them throw FoldOverflow. */
  readonly maxGroups: number;
  /** The groups that the result has; absent: all of them. */
  readonly top?: Top;
}

export interface Breakdown {
  /** The groups; where the job names no `top`, in no order. */
  readonly groups: readonly Group[];
  /** How many groups `top` left out; absent where it may leave out none. */
  readonly groupsLeft?: number;
  readonly totals?: readonly (number | null)[];
  /** Whether any number comes from a sketch. */
  readonly estimated: boolean;
}

/** One value for each dimension (for `time` the index of the period), and one for each metric. */
export interface Group {
  readonly dimensions: readonly (string | number)[];
  readonly metrics: readonly (number | null)[];
}

/** A breakdown's groups before the end: each group's values, and the parts of its metrics. */
interface BreakdownPart {
  readonly groups: readonly (readonly [GroupValues, readonly unknown[]])[];
  readonly totals?: readonly unknown[];
}

export function breakdownFold(job: BreakdownJob): Fold<Breakdown> {
  return new BreakdownFold(job);
}

/**
 * The counted events of columns: each event's place in the columns, and its group as an index of
 * `nodes`.
 */
interface Grouped {
  readonly places: Uint16Array;
  readonly groupAt: Uint16Array;
  readonly nodes: readonly GroupNode[];
}

/**
 * The number of each event's value (`undefined` where all events have the same value), and the
 * values.
 */
interface Taken {
  readonly numbers: Uint8Array | Uint16Array | undefined;
  readonly count: number;
  /** The value that an accumulator gets. For a user it is the user's number. */
  readonly valueOf: (number: number) => Cell;
}

/** Up to this many pairs of a group and a cell get a table, even where events are few. */
const leastTimes = 4_096;

class BreakdownFold implements Fold<Breakdown> {
  readonly columns: readonly Column[];
  readonly addColumns: ((columns: readonly ColumnCells[], places: Uint16Array) => void) | undefined;
  readonly #job: BreakdownJob;
  /** The place of each metric's column among the columns; `undefined` for a metric without one. */
  readonly #columnOf: readonly (number | undefined)[];
  readonly #users = new Users();
  readonly #tree: GroupTree;
  readonly #totals: readonly Accumulator[] | undefined;
  readonly #periods: readonly Pick<Period, "start" | "end">[];
  readonly #hasElements: boolean;
  #period = 0;

  constructor(job: BreakdownJob) {
    this.#job = job;
    this.#periods = job.periods ?? [];
    this.#hasElements = [...job.dimensions, ...job.metrics].some(
      (one) => "path" in one && hasElements(one.path),
    );
    // Columns do not hold the elements of lists.
    this.addColumns = this.#hasElements ? undefined : this.#addColumns.bind(this);
    const columns = job.dimensions.map(columnOfDimension);
    this.#columnOf = job.metrics.map((metric) => {
      const column = columnOfMetric(metric);
      return column && columns.push(column) - 1;
    });
    this.columns = columns;
    this.#totals = job.totals ? this.#accumulators() : undefined;
    this.#tree = new GroupTree({
      depth: job.dimensions.length,
      maxGroups: job.maxGroups,
      accumulators: () => this.#accumulators(),
    });
  }

  add(row: readonly Cell[]): void {
    if (this.#hasElements) return this.#addElements(row);
    const { dimensions, metrics } = this.#job;
    let node = this.#tree.root;
    for (let i = 0; i < dimensions.length; i++) {
      const isTime = "time" in dimensions[i]!;
      const cell = isTime ? this.#periodOf(row[i] as number) : row[i];
      if (isTime && cell === -1) return;
      node = this.#tree.child(node, cell, isTime, i === dimensions.length - 1);
    }
    for (let i = 0; i < metrics.length; i++) {
      const cell = this.#cellOf(i, row);
      const value = metrics[i]!.op === "uniques" ? this.#users.numberOf(cell) : cell;
      node.accumulators![i]!.add(value, 1);
      this.#totals?.[i]!.add(value, 1);
    }
  }

  /** The cell that a metric takes from a row. */
  #cellOf(metric: number, row: readonly Cell[]): Cell {
    const column = this.#columnOf[metric];
    return column === undefined ? undefined : row[column];
  }

  /**
   * Adds an event once under each value of its elements. A metric of elements takes each element.
   */
  #addElements(row: readonly Cell[]): void {
    const { dimensions, metrics } = this.#job;
    let nodes: readonly GroupNode[] = [this.#tree.root];
    for (const [i, dimension] of dimensions.entries()) {
      const isTime = "time" in dimension;
      const cells = isTime ? [this.#periodOf(row[i] as number)] : elementsOf(row[i]);
      if (isTime && cells[0] === -1) return;
      const isLast = i === dimensions.length - 1;
      const childOf = (node: GroupNode) => (cell: Cell) =>
        this.#tree.child(node, cell, isTime, isLast);
      const all = cells.length === 0 ? [undefined] : cells;
      nodes = nodes.flatMap((node) => [...new Set(all.map(childOf(node)))]);
    }
    for (const [i, { op }] of metrics.entries()) {
      const cell = this.#cellOf(i, row);
      const values = op === "uniques" ? [this.#users.numberOf(cell)] : elementsOf(cell);
      for (const value of values) {
        for (const { accumulators } of nodes) accumulators![i]!.add(value, 1);
        this.#totals?.[i]!.add(value, 1);
      }
    }
  }

  #addColumns(columns: readonly ColumnCells[], places: Uint16Array): void {
    const { dimensions, metrics } = this.#job;
    const time = columns.find((column) => "instants" in column);
    if (time !== undefined && this.#onePeriodOf(time) === undefined) void time.instants;
    const [first] = columns;
    const isTopList = dimensions.length === 1 && columns.length === 1;
    if (isTopList && "cells" in first!) return this.#addCounts(first, places);
    const grouped = this.#grouped(columns.slice(0, dimensions.length), places);
    for (let i = 0; i < metrics.length; i++) {
      const column = this.#columnOf[i];
      this.#addMetric(i, column === undefined ? undefined : columns[column], grouped);
    }
  }

  /** Counts the events of each cell, where they are grouped by one property and nothing is read but it. */
  #addCounts({ numbers, cells }: NumberedCells, places: Uint16Array): void {
    const times = new Uint16Array(cells.length);
    for (let at = 0; at < places.length; at++) times[numbers[places[at]!]!]!++;
    for (let number = 0; number < cells.length; number++) {
      if (times[number] === 0) continue;
      const { accumulators } = this.#tree.child(this.#tree.root, cells[number], false, true);
      for (const accumulator of accumulators!) accumulator.add(undefined, times[number]!);
    }
    for (const total of this.#totals ?? []) total.add(undefined, places.length);
  }

  /**
   * Groups events dimension by dimension. A group is looked up once for all events with the same
   * cell.
   */
  #grouped(columns: readonly ColumnCells[], all: Uint16Array): Grouped {
    let grouped: Grouped = {
      places: all,
      groupAt: new Uint16Array(all.length),
      nodes: [this.#tree.root],
    };
    columns.forEach((column, i) => {
      const isLast = i === columns.length - 1;
      if ("hashes" in column) throw new Error("events are grouped by users' names, not by hashes");
      grouped =
        "instants" in column
          ? this.#byPeriod(column, grouped, isLast)
          : this.#byCell(column, grouped, isLast);
    });
    return grouped;
  }

  #byCell(
    { numbers, cells }: NumberedCells,
    { places, groupAt, nodes }: Grouped,
    isLast: boolean,
  ): Grouped {
    const children = new Children(cells.length, (group, number) =>
      this.#tree.child(nodes[group]!, cells[number], false, isLast),
    );
    const childAt = new Uint16Array(places.length);
    if (nodes.length === 1) {
      // With one group the cell's number is the key; 0 stands for no child yet.
      const known = new Uint16Array(cells.length);
      for (let at = 0; at < places.length; at++) {
        const number = numbers[places[at]!]!;
        if (known[number] === 0) known[number] = 1 + children.numberOf(0, number);
        childAt[at] = known[number]! - 1;
      }
    } else {
      for (let at = 0; at < places.length; at++) {
        childAt[at] = children.numberOf(groupAt[at]!, numbers[places[at]!]!);
      }
    }
    return { places, groupAt: childAt, nodes: children.all };
  }

  /** The period that contains all events; `undefined` where no period contains all of them. */
  #onePeriodOf({ oldest, newest }: Instants): number | undefined {
    const period = this.#periodOf(oldest);
    return period >= 0 && period === this.#periodOf(newest) ? period : undefined;
  }

  /** Groups events by period. Events outside of all periods are left out. */
  #byPeriod(column: Instants, { places, groupAt, nodes }: Grouped, isLast: boolean): Grouped {
    const childOf = (group: number, period: number) =>
      this.#tree.child(nodes[group]!, period, true, isLast);
    const onePeriod = this.#onePeriodOf(column);
    if (onePeriod !== undefined) {
      return { places, groupAt, nodes: nodes.map((_, group) => childOf(group, onePeriod)) };
    }
    const children = new Children(this.#periods.length, childOf);
    const { instants } = column;
    const keptPlaces = new Uint16Array(places.length);
    const childAt = new Uint16Array(places.length);
    let kept = 0;
    let [period, start, end] = [-1, 0, 0];
    for (let at = 0; at < places.length; at++) {
      const place = places[at]!;
      const instant = instants[place]!;
      if (instant < start || instant >= end) {
        period = this.#periodOf(instant);
        ({ start, end } = this.#periods[period] ?? { start: 0, end: 0 });
      }
      if (period < 0) continue;
      keptPlaces[kept] = place;
      childAt[kept++] = children.numberOf(groupAt[at]!, period);
    }
    return {
      places: keptPlaces.subarray(0, kept),
      groupAt: childAt.subarray(0, kept),
      nodes: children.all,
    };
  }

  /**
   * Adds a cell once for all events of a group that share it. Where groups and cells are many, adds
   * events one by one.
   */
  #addMetric(
    i: number,
    column: ColumnCells | undefined,
    { places, groupAt, nodes }: Grouped,
  ): void {
    const { op } = this.#job.metrics[i]!;
    const { numbers, count, valueOf } = this.#taken(op, column);
    const accumulators = nodes.map((node) => node.accumulators![i]!);
    const total = this.#totals?.[i];

    if (nodes.length * count > leastTimes + 4 * places.length) {
      for (let at = 0; at < places.length; at++) {
        const value = valueOf(numbers?.[places[at]!] ?? 0);
        accumulators[groupAt[at]!]!.add(value, 1);
        total?.add(value, 1);
      }
      return;
    }
    const times = new Uint16Array(count * nodes.length);
    for (let at = 0; at < places.length; at++) {
      times[(numbers?.[places[at]!] ?? 0) * nodes.length + groupAt[at]!]!++;
    }
    for (let number = 0; number < count; number++) {
      let all = 0;
      let value: Cell;
      for (let group = 0; group < nodes.length; group++) {
        const often = times[number * nodes.length + group]!;
        if (often === 0) continue;
        if (all === 0) value = valueOf(number);
        accumulators[group]!.add(value, often);
        all += often;
      }
      if (all > 0) total?.add(value, all);
    }
  }

  /**
   * The values that a metric takes from its column: the number of different values, and each value
   * by its number.
   */
  #taken(op: Metric["op"], column: ColumnCells | undefined): Taken {
    if (column === undefined) return { numbers: undefined, count: 1, valueOf: () => undefined };
    if ("instants" in column) throw new Error("a metric is of a property");
    const { numbers } = column;
    if ("hashes" in column) {
      const { hashes } = column;
      const valueOf = (number: number) =>
        number < firstValue
          ? -1
          : this.#users.numberOfHash(hashes, (number - firstValue) * hashBytes);
      return { numbers, count: firstValue + hashes.length / hashBytes, valueOf };
    }
    const { cells } = column;
    const valueOf = (number: number) =>
      op === "uniques" ? this.#users.numberOf(cells[number]) : cells[number];
    return { numbers, count: cells.length, valueOf };
  }

  partial(): BreakdownPart {
    const partOf = (accumulators: readonly Accumulator[]) =>
      accumulators.map((one) => one.partial());
    const groups = this.#tree
      .all()
      .map(([values, accumulators]) => [values, partOf(accumulators)] as const);
    return { groups, ...(this.#totals && { totals: partOf(this.#totals) }) };
  }

  merge({ groups, totals }: BreakdownPart): void {
    for (const [values, parts] of groups) {
      this.#tree.at(values).forEach((one, i) => one.merge(parts[i]));
    }
    this.#totals?.forEach((one, i) => one.merge(totals![i]));
  }

  finish(): Breakdown {
    const groups: Group[] = [];
    let estimated = this.#totals?.some(({ isEstimate }) => isEstimate) ?? false;
    for (const [dimensions, accumulators] of this.#tree.all()) {
      groups.push({ dimensions, metrics: this.#valuesOf(accumulators) });
      estimated ||= accumulators.some(({ isEstimate }) => isEstimate);
    }
    const totals = this.#totals && this.#valuesOf(this.#totals);
    return { ...topOf(groups, this.#job.top), ...(totals && { totals }), estimated };
  }

  /**
   * The values of a group's metrics.
   * @throws FoldOverflow for a sum that is larger than any number
   */
  #valuesOf(accumulators: readonly Accumulator[]): readonly (number | null)[] {
    return accumulators.map(({ value }, i) => {
      if (value === null || Number.isFinite(value)) return value;
      const metric = this.#job.metrics[i]!;
      const of = "path" in metric ? nameOf(metric.path) : "";
      throw new FoldOverflow(`the ${metric.op} of ${of} is larger than a number can be`);
    });
  }

  #accumulators(): readonly Accumulator[] {
    return this.#job.metrics.map((metric) => accumulatorOf(metric, this.#users));
  }

  /** Events mostly come in the order of time, so the last event's period is tried first. */
  #periodOf(instant: number): number {
    const last = this.#periods[this.#period];
    if (last !== undefined && instant >= last.start && instant < last.end) return this.#period;
    const found = assign(this.#periods, instant);
    if (found >= 0) this.#period = found;
    return found;
  }
}

function elementsOf(cell: Cell): readonly Cell[] {
  return Array.isArray(cell) ? (cell as readonly Cell[]) : [cell];
}
