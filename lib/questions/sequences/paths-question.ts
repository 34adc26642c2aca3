import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { described, required, whole } from "../reading/field.ts";
import { by, type ActorKind } from "./actor.ts";
import { typedSelection, type Selection } from "./selection.ts";

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
  by,
  limit: whole({ min: 1, max: 1_000, otherwise: 20 }),
};

/**
 * Read the body of a paths question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readPathsJob(body: unknown): PathsJob {
  return readBody(body, pathsBody, ({ after = {}, ...others }) => ({
    kind: "paths",
    after,
    ...others,
  }));
}

/** The filter for the events of paths: all of the range. */
export function pathsFilter({ range }: PathsJob): OpenFilter {
  return { from: range.from, to: range.to };
}
