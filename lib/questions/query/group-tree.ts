import { isShownPlain, shownValue } from "../../event/shown-value.ts";
import { FoldOverflow, type Cell } from "../fold.ts";
import type { Accumulator } from "./metric.ts";

/** The most characters in all values of an answer, which are held in memory. */
export const maxValueLength = 16_000_000;

/** A group, or all groups that share a value of a dimension. */
export interface GroupNode {
  readonly value: string | number;
  /** The child nodes by their shown values, and by cells that are not shown as they are. */
  readonly byCell: Map<Cell, GroupNode>;
  readonly byValue: Map<string | number, GroupNode>;
  readonly accumulators?: readonly Accumulator[];
}

/** The children of groups, which have none: two maps for each group would take most of its time. */
const noNodes = new Map<never, GroupNode>();

/** A group's value of each dimension. The value of `time` is the number of the period. */
export type GroupValues = readonly (string | number)[];

interface TreeOptions {
  /** The number of dimensions. */
  readonly depth: number;
  /** The most groups; more of them throw FoldOverflow. */
  readonly maxGroups: number;
  readonly accumulators: () => readonly Accumulator[];
}

/** The groups of a breakdown: a tree with a level for each dimension. */
export class GroupTree {
  readonly root: GroupNode;
  readonly #options: TreeOptions;
  #groups = 0;
  #valueLength = 0;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.root = this.#node("", options.depth === 0);
  }

  /**
   * The node of a cell below a parent; it is added where there is none yet.
   * @param isLast whether the level is that of the last dimension
   * @throws FoldOverflow where there are too many groups, or their values are too long
   */
  child(parent: GroupNode, cell: Cell, isTime: boolean, isLast: boolean): GroupNode {
    if (typeof cell === "string" && isShownPlain(cell)) {
      return parent.byValue.get(cell) ?? this.#childOfValue(parent, cell.toWellFormed(), isLast);
    }
    const known = parent.byCell.get(cell);
    if (known !== undefined) return known;
    const value = isTime ? (cell as number) : shownValue(cell);
    const child = this.#childOfValue(parent, value, isLast);
    // Several cells may count under one value, such as `(none)`.
    if (parent.byCell.size < 2 * parent.byValue.size + 1_000) parent.byCell.set(cell, child);
    return child;
  }

  /** The accumulators of a group. @throws FoldOverflow as `child` */
  at(values: GroupValues): readonly Accumulator[] {
    let node = this.root;
    for (const [i, value] of values.entries()) {
      node = this.#childOfValue(node, value, i === values.length - 1);
    }
    return node.accumulators!;
  }

  /** Every group with its accumulators. */
  all(): readonly (readonly [GroupValues, readonly Accumulator[]])[] {
    const all: [GroupValues, readonly Accumulator[]][] = [];
    const collect = (node: GroupNode, values: GroupValues): void => {
      if (node.accumulators !== undefined) all.push([values, node.accumulators]);
      for (const child of node.byValue.values()) collect(child, [...values, child.value]);
    };
    collect(this.root, []);
    return all;
  }

  #childOfValue(parent: GroupNode, value: string | number, isLast: boolean): GroupNode {
    const known = parent.byValue.get(value);
    if (known !== undefined) return known;
    this.#hold(value);
    const child = this.#node(value, isLast);
    parent.byValue.set(value, child);
    return child;
  }

  #hold(value: string | number): void {
    if (typeof value === "string") this.#valueLength += value.length;
    if (this.#valueLength > maxValueLength) {
      throw new FoldOverflow(
        `the values of the groups have more than ${maxValueLength} characters`,
      );
    }
  }

  #node(value: string | number, isGroup: boolean): GroupNode {
    const { maxGroups, accumulators } = this.#options;
    if (isGroup && ++this.#groups > maxGroups) {
      throw new FoldOverflow(`the answer has more than ${maxGroups} groups`);
    }
    if (isGroup) {
      return { value, byCell: noNodes, byValue: noNodes, accumulators: accumulators() };
    }
    return { value, byCell: new Map(), byValue: new Map() };
  }
}
