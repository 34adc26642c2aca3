import type { Predicate, OpenRange } from "../../event/filter.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import { filter } from "../reading/filter-body.ts";
import { object } from "../reading/body.ts";
import { described, required, text, type Findings } from "../reading/field.ts";
import type { Cell, Column, ColumnCells } from "../fold.ts";
import { cellsOf, Numbered, instantsOf, none } from "./numbered.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import { actorColumn, actorWithin, numberedActors, type ActorKind } from "./actor.ts";
import { wholeShare, type Share } from "../share.ts";
import { BreakdownValues } from "./breakdown-values.ts";
import { Timeline } from "./timeline.ts";

/** A selection of events: of a type, that meet a predicate; all events where neither is given. */
export interface Selection {
  readonly type?: string;
  readonly filters?: Predicate;
}

const maxValues = 1_000;

const type = described(text, "A type of events", "email.opened");

/** `{"type","filters"}`: events of a type. */
export const typedSelection = object({
  type: required(type, "type is required: a type of events, such as email.opened"),
  filters: filter,
});

/** `{"type","filters"}`: events of a type where it is given, else of any. */
export const selection = object({ type, filters: filter });

/** Bounds all filters of one question together: each is checked on every event. */
export function checkSize(
  selections: readonly Selection[],
  pointer: string,
  findings: Findings,
): void {
  const values = selections.reduce((sum, { filters }) => sum + (filters ? sizeOf(filters) : 0), 0);
  if (values <= maxValues) return;
  const message = `all filters together compare with at most ${maxValues} values`;
  findings.push({ pointer, code: "filter_size", message });
}

function sizeOf(predicate: Predicate): number {
  switch (predicate.op) {
    case "and":
    case "or":
      return predicate.of.reduce((sum, part) => sum + sizeOf(part), 0);
    case "not":
      return sizeOf(predicate.of);
    case "is":
    case "is_not":
    case "shown_as":
      return predicate.values.length;
    default:
      return 1;
  }
}

/** The filter for the events that are in at least one selection. */
export function filterOf(selections: readonly Selection[], { from, to }: OpenRange): OpenFilter {
  const types = selections.map(({ type }) => type);
  const typed = types.every((type) => type !== undefined) ? [...new Set(types)] : undefined;
  const whole = new Set(
    selections.filter(({ filters }) => filters === undefined).map(({ type }) => type),
  );
  if (whole.has(undefined)) return { from, to };
  // A type that one selection takes as a whole needs no further filter.
  const parts = selections
    .filter(({ type, filters }) => filters === undefined || !whole.has(type))
    .map(predicateOf);
  const needed = selections.some(({ type }) => !whole.has(type));
  return { from, to, types: typed, where: needed ? [{ op: "or", of: parts }] : undefined };
}

function predicateOf({ type, filters }: Selection): Predicate {
  const parts: Predicate[] = [];
  if (type !== undefined) parts.push({ path: ["type"], op: "is", values: [type] });
  if (filters !== undefined) parts.push(filters);
  return parts.length === 1 ? parts[0]! : { op: "and", of: parts };
}

/**
 * Decides for each row which selections its event is in: bit `i` for the selection `i`, at most 30
 * of them.
 */
export interface Marking {
  /** The columns that it reads of each event, from index `at` on. */
  readonly columns: readonly Column[];
  marksOf(row: readonly Cell[], at: number): number;
  /** The same for columns, from index `at` on: returns the marks of the event at a place. */
  marksIn(columns: readonly ColumnCells[], at: number): (place: number) => number;
}

/** Types are compared here; the store checks filters, and only where there are any. */
export function markingOf(selections: readonly Selection[]): Marking {
  const ofType = new Map<Cell, number>();
  let ofAny = 0;
  let filtered = 0;
  const filters: Column[] = [];
  const bits: number[] = [];
  selections.forEach(({ type, filters: meets }, i) => {
    const bit = 1 << i;
    if (type === undefined) ofAny |= bit;
    else ofType.set(type, (ofType.get(type) ?? 0) | bit);
    if (meets === undefined) return;
    filtered |= bit;
    filters.push({ meets });
    bits.push(bit);
  });
  const marksOfType = (type: Cell) => ofAny | (ofType.get(type) ?? 0);
  return {
    columns: [{ field: "type" }, ...filters],
    marksIn(columns, at) {
      const types = Numbered.ofCells(columns[at]!, marksOfType);
      const met = bits.map((_, i) => cellsOf(columns[at + 1 + i]!));
      return (place) => {
        const marks = types.at(place);
        if ((marks & filtered) === 0) return marks;
        let kept = marks & ~filtered;
        for (let i = 0; i < bits.length; i++) {
          const { numbers, cells } = met[i]!;
          if (cells[numbers[place]!]) kept |= marks & bits[i]!;
        }
        return kept;
      };
    },
    marksOf(row, at) {
      const marks = marksOfType(row[at]);
      if ((marks & filtered) === 0) return marks;
      let kept = marks & ~filtered;
      for (let i = 0; i < bits.length; i++) if (row[at + 1 + i]) kept |= marks & bits[i]!;
      return kept;
    },
  };
}

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
    const columns = [
      actorColumn(by, share),
      { field: "timestamp" } as const,
      ...this.#marking.columns,
    ];
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
