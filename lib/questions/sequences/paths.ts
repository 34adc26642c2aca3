import { actorColumn, actorWithin, numberedActors, by, type ActorKind } from "./actor.ts";
import type { Cell, Column, ColumnCells, Fold } from "../fold.ts";
import { wholeShare, type Share } from "../share.ts";
import { instantsOf, none, Numbered, Texts } from "./numbered.ts";
import { markingOf, type Marking, typedSelection, type Selection } from "./selection.ts";
import { PathTree, type Path, type PathTreePart } from "./path-tree.ts";
import { Timeline } from "./timeline.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { zoneOfRange } from "../reading/relative-range.ts";
import { described, required, whole } from "../reading/field.ts";

/** A paths question as plain data, for `pathsFold`. */
export interface PathsJob {
  readonly kind: "paths";
  /** The events that begin a path; it has a type. */
  readonly after: Selection;
  /** The most types of a path. */
  readonly length: number;
  readonly by: ActorKind;
  /** The most paths of the answer. */
  readonly limit: number;
  readonly range: OpenRange;
}

/** The parts of a paths question. */
export const pathsBody = {
  after: required(
    typedSelection,
    'after is required: {"type","filters"}, the events that paths follow',
  ),
  length: described(whole({ min: 1, max: 5, otherwise: 3 }), "The most types that a path has"),
  range,
  timezone: zoneOfRange,
  by,
  limit: whole({ min: 1, max: 1_000, otherwise: 20 }),
};

/**
 * Reads the body of a paths question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readPathsJob(body: unknown): PathsJob {
  return readBody(body, pathsBody, ({ after = {}, timezone: _timezone, ...others }) => ({
    kind: "paths",
    after,
    ...others,
  }));
}

/** The filter for the events of paths: all of the range. */
export function pathsFilter({ range }: PathsJob): OpenFilter {
  return { from: range.from, to: range.to };
}

export interface PathsResult {
  /** The most frequent first, then by their types (by code unit, type by type). */
  readonly paths: readonly Path[];
  /** The number of paths that the answer leaves out. */
  readonly pathsLeftOut: number;
  /** The number of all paths, including those that are left out, and the number of their users. */
  readonly total: { readonly count: number; readonly users: number };
}

/**
 * Paths: for each event of the chosen kind, the types of the same user's next events, up to the
 * length of the question; fewer, or none, where the user did nothing more within the range. Each
 * such event begins a path, even within the path of another. Events of one instant are ordered by
 * their types (by code unit); of one type, those that begin a path come last.
 */
export function pathsFold(job: PathsJob, share?: Share): Fold<PathsResult> {
  return new Paths(job, share);
}

/** The paths of some users; types are indexes of a list. */
interface PathsPart extends PathTreePart {
  readonly types: readonly string[];
}

class Paths implements Fold<PathsResult> {
  readonly columns: readonly Column[];
  readonly #job: PathsJob;
  readonly #marking: Marking;
  readonly #types = new Texts();
  readonly #timeline = new Timeline();
  readonly #share: Share;
  readonly #parts: PathsPart[] = [];

  constructor(job: PathsJob, share: Share = wholeShare) {
    this.#job = job;
    this.#share = share;
    this.#marking = markingOf([job.after]);
    this.columns = [actorColumn(job.by, share), { field: "timestamp" }, ...this.#marking.columns];
  }

  /**
   * Adds an event. A row's mark is twice the number of its type, plus 1 where the event begins a
   * path.
   */
  add(row: readonly Cell[]): void {
    const actor = actorWithin(this.#share, row[0]);
    if (actor === undefined) return;
    const type = this.#types.numberOf(row[2] as string);
    const mark = 2 * type + this.#marking.marksOf(row, 2);
    this.#timeline.add(this.#timeline.numberOf(actor), row[1] as number, mark);
  }

  addColumns(columns: readonly ColumnCells[], places: Uint16Array): void {
    const instants = instantsOf(columns[1]!);
    const actors = numberedActors(columns[0]!, this.#share, this.#timeline);
    const marksAt = this.#marking.marksIn(columns, 2);
    const types = Numbered.ofCells(columns[2]!, (type) => this.#types.numberOf(type as string));
    for (const place of places) {
      const actor = actors.at(place);
      if (actor === none) continue;
      this.#timeline.add(actor, instants[place]!, 2 * types.at(place) + marksAt(place));
    }
  }

  partial(): PathsPart {
    const { tree, types } = this.#taken();
    return { ...tree.partial(), types };
  }

  merge(part: PathsPart): void {
    this.#parts.push(part);
    for (const type of part.types) this.#types.numberOf(type);
  }

  finish(): PathsResult {
    const { tree } = this.#taken();
    const paths = tree.largest(this.#job.limit);
    return { paths, pathsLeftOut: tree.different - paths.length, total: tree.total };
  }

  /** All paths, and their types in order. */
  #taken(): { readonly tree: PathTree; readonly types: readonly string[] } {
    const { length } = this.#job;
    const types = this.#types.all().toSorted();
    const { starts, marks } = this.#timeline.inOrder(this.#ranks(types));
    const tree = new PathTree(types);
    for (let user = 1; user < starts.length; user++) {
      const end = starts[user]!;
      for (let row = starts[user - 1]!; row < end; row++) {
        if ((marks[row]! & 1) === 0) continue;
        tree.begin();
        const last = Math.min(row + length, end - 1);
        for (let next = row + 1; next <= last; next++) tree.step(marks[next]! >> 1);
        tree.end(user);
      }
    }
    const rankOf = new Map(types.map((type, rank) => [type, rank]));
    for (const part of this.#parts)
      tree.merge(
        part,
        part.types.map((type) => rankOf.get(type)!),
      );
    return { tree, types };
  }

  /** The marks that sort rows by their types. */
  #ranks(sorted: readonly string[]): Int32Array {
    const ranks = new Int32Array(2 * sorted.length);
    sorted.forEach((type, rank) => {
      const number = this.#types.numberOf(type);
      ranks[2 * number] = 2 * rank;
      ranks[2 * number + 1] = 2 * rank + 1;
    });
    return ranks;
  }
}
