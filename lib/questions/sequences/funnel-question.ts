import type { PropertyPath } from "../../event/property-path.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { described, fieldOf, flag, needed, type Field } from "../reading/field.ts";
import { by, type ActorKind } from "./actor.ts";
import { breakdown } from "./breakdown-values.ts";
import { checkSize, filterOf, typedSelection, type Selection } from "./selection.ts";

/** A funnel as plain data, for `funnelFold`. */
export interface FunnelJob {
  readonly kind: "funnel";
  /** The steps in order, 2 to 10; each has a type. */
  readonly steps: readonly Selection[];
  /**
   * How long after its first step an attempt may reach the others, that instant included; absent:
   * no limit.
   */
  readonly windowMs?: number;
  /**
   * Whether each step must be later than the one before; otherwise it may have the same instant.
   */
  readonly strictlyLater: boolean;
  readonly by: ActorKind;
  readonly breakdown?: PropertyPath;
  readonly range: OpenRange;
}

const minSteps = 2;
const maxSteps = 10;
const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const maxWindowMs = 3_660 * unitMs.d;

const list = needed(
  fieldOf<readonly unknown[]>({
    rule: { type: "array", min: minSteps, max: maxSteps },
    code: "steps",
    message: (name) =>
      `${name} must be an array of ${minSteps} to ${maxSteps} steps, each {"type","filters"}`,
  }),
);

const steps: Field<readonly Selection[]> = {
  schema: { ...list.schema, items: typedSelection.schema },
  required: true,
  read(value, at, findings) {
    const given = list.read(value, at, findings) ?? [];
    const read = given.map(
      (step, i) =>
        typedSelection.read(step ?? null, { ...at, pointer: `${at.pointer}/${i}` }, findings) ?? {},
    );
    checkSize(read, at.pointer, findings);
    return read;
  },
};

const window = fieldOf({
  rule: { type: "string", pattern: "^[0-9]{1,12}[smhd]$" },
  meaning(written: string) {
    const unit = written.at(-1) as keyof typeof unitMs;
    const windowMs = Number(written.slice(0, -1)) * unitMs[unit];
    return windowMs > 0 && windowMs <= maxWindowMs ? windowMs : undefined;
  },
  code: "window",
  message: (name) =>
    `${name} must be a whole number of s, m, h or d, such as 3600s, from 1s to 3660d; without it there is no limit`,
});

/** The parts of a funnel question. */
export const funnelBody = {
  steps: described(steps, "What is done one after the other"),
  window: described(window, "How long after its first step an attempt may reach the last", "7d"),
  range,
  breakdown,
  by,
  strictlyLater: described(
    flag(false),
    "Whether each step must be later than the one before; else it may be of the same instant",
  ),
};

/**
 * Read the body of a funnel question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readFunnelJob(body: unknown): FunnelJob {
  return readBody(body, funnelBody, ({ window: windowMs, ...others }) => ({
    kind: "funnel",
    windowMs,
    ...others,
  }));
}

/** The filter for the events of any step. */
export function funnelFilter({ steps, range }: FunnelJob): OpenFilter {
  return filterOf(steps, range);
}
