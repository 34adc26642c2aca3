import { readActorKind, type ActorKind } from "./actor.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import { readBody, readRange, within } from "../reading/body.ts";
import { type OpenRange } from "../../event/filter.ts";
import { readInteger, type Findings, type Raw } from "../reading/parameters.ts";
import { readSelection, type Selection } from "./selection.ts";

/** What comes after an event: plain data, to be answered by `pathsFold`. */
export interface PathsJob {
  readonly kind: "paths";
  /** Has a type. */
  readonly after: Selection;
  /** How many types a path has at most. */
  readonly length: number;
  readonly by: ActorKind;
  /** How many paths the answer shows at most. */
  readonly limit: number;
  readonly range: OpenRange;
}

const known = ["after", "length", "range", "by", "limit"];
const lengths = { min: 1, max: 5, otherwise: 3 };
const limits = { min: 1, max: 1_000, otherwise: 20 };

/**
 * Read the body of a paths question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readPathsJob(body: unknown): PathsJob {
  return readBody(body, known, (raw, findings) => ({
    kind: "paths",
    after: readAfter(raw, findings),
    length: within("", findings, (inner) => readInteger(raw, "length", lengths, inner)),
    by: readActorKind(raw, findings),
    limit: within("", findings, (inner) => readInteger(raw, "limit", limits, inner)),
    range: readRange(raw, findings),
  }));
}

/** The events that paths are about: all of the range. */
export function pathsFilter({ range }: PathsJob): OpenFilter {
  return { from: range.from, to: range.to };
}

function readAfter(raw: Raw, findings: Findings): Selection {
  if (raw["after"] !== undefined) {
    return readSelection(raw["after"], "/after", findings, "required");
  }
  const message = 'after is required: {"type","filters"}, the events that paths follow';
  findings.push({ pointer: "/after", code: "required", message });
  return {};
}
