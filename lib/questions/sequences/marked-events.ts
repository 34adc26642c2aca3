import type { PropertyPath } from "../../event/property-path.ts";
import type { Cell, Column, ColumnCells } from "../fold.ts";
import { actorColumn, actorWithin, numberedActors, type ActorKind } from "./actor.ts";
import { wholeShare, type Share } from "../share.ts";
import { BreakdownValues } from "./breakdown-values.ts";
import { instantsOf, none } from "./numbered.ts";
import { markingOf, type Marking, type Selection } from "./selection.ts";
import { Timeline } from "./timeline.ts";

/**
 * The mark of the first selection. An event with this mark begins a sequence; only such an event's
 * value matters.
 */
const beginning = 1;

/**
 * Collects the events of a fold about sequences. For each event with an actor and in a selection it
 * keeps the actor, the instant, the selections (`Marking`) and, where the event begins a sequence,
 * the value.
 */
export class MarkedEvents {
  readonly columns: readonly Column[];
  readonly values: BreakdownValues;
  readonly timeline = new Timeline();
  readonly #marking: Marking;
  readonly #share: Share;
  readonly #hasValues: boolean;
  readonly #valueAt: number;

  constructor(
    by: ActorKind,
    selections: readonly Selection[],
    breakdown: PropertyPath | undefined,
    share: Share = wholeShare,
  ) {
    this.#share = share;
    this.#marking = markingOf(selections);
    this.values = new BreakdownValues(breakdown);
    this.#hasValues = breakdown !== undefined;
    const columns = [actorColumn(by), { field: "timestamp" } as const, ...this.#marking.columns];
    this.#valueAt = columns.length;
    this.columns = [...columns, ...this.values.columns];
  }

  add(row: readonly Cell[]): void {
    const actor = actorWithin(this.#share, row[0]);
    const marks = this.#marking.marksOf(row, 2);
    if (actor === undefined || marks === 0) return;
    const value = this.#isValued(marks) ? this.values.numberOf(row[this.#valueAt]) : 0;
    this.timeline.add(this.timeline.numberOf(actor), row[1] as number, marks, value);
  }

  addColumns(columns: readonly ColumnCells[], places: Uint16Array): void {
    const instants = instantsOf(columns[1]!);
    const actors = numberedActors(columns[0]!, this.#share, this.timeline);
    const marksAt = this.#marking.marksIn(columns, 2);
    const values = this.values.numbered(columns[this.#valueAt]);
    for (const place of places) {
      const marks = marksAt(place);
      if (marks === 0) continue;
      const actor = actors.at(place);
      if (actor === none) continue;
      const value = this.#isValued(marks) ? values!.at(place) : 0;
      this.timeline.add(actor, instants[place]!, marks, value);
    }
  }

  #isValued(marks: number): boolean {
    return this.#hasValues && (marks & beginning) !== 0;
  }
}
