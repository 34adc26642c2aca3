import type { PropertyPath } from "../../event/property-path.ts";
import { readActorKind, type ActorKind } from "./actor.ts";
import { readBreakdown } from "./breakdown-values.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import { readBody, readFlag, readRange } from "../reading/body.ts";
import { type OpenRange } from "../../event/filter.ts";
import type { Findings, Raw } from "../reading/parameters.ts";
import { checkSize, filterOf, readSelection, type Selection } from "./selection.ts";

/** How many get from one step to the next: plain data, to be answered by `funnelFold`. */
export interface FunnelJob {
  readonly kind: "funnel";
  /** In their order, 2 to 10; each has a type. */
  readonly steps: readonly Selection[];
  /** How long after its first step an attempt may reach the others, this instant included; absent for no limit. */
  readonly windowMs?: number;
  /** Whether each step must be later than the one before; else it may be of the same instant. */
  readonly strictlyLater: boolean;
  readonly by: ActorKind;
  readonly breakdown?: PropertyPath;
  readonly range: OpenRange;
}

const known = ["steps", "window", "range", "breakdown", "by", "strictlyLater"];
const stepCount = { min: 2, max: 10 };
const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const maxWindowMs = 3_660 * unitMs.d;

/**
 * Read the body of a funnel question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readFunnelJob(body: unknown): FunnelJob {
  return readBody(body, known, (raw, findings) => ({
    kind: "funnel",
    steps: readSteps(raw, findings),
    windowMs: readWindow(raw, findings),
    strictlyLater: readFlag(raw, "strictlyLater", false, findings),
    by: readActorKind(raw, findings),
    breakdown: readBreakdown(raw, findings),
    range: readRange(raw, findings),
  }));
}

/** The events that a funnel is about: those of any step. */
export function funnelFilter({ steps, range }: FunnelJob): OpenFilter {
  return filterOf(steps, range);
}

function readSteps(raw: Raw, findings: Findings): readonly Selection[] {
  const steps: unknown = raw["steps"];
  if (!Array.isArray(steps) || steps.length < stepCount.min || steps.length > stepCount.max) {
    const message = `steps must be an array of ${stepCount.min} to ${stepCount.max} steps, each {"type","filters"}`;
    findings.push({ pointer: "/steps", code: "steps", message });
    return [];
  }
  const read = steps.map((step: unknown, i) =>
    readSelection(step, `/steps/${i}`, findings, "required"),
  );
  checkSize(read, "/steps", findings);
  return read;
}

function readWindow(raw: Raw, findings: Findings): number | undefined {
  const window = raw["window"];
  if (window === undefined) return undefined;
  const written = typeof window === "string" ? /^(\d{1,12})([smhd])$/.exec(window) : null;
  const windowMs = written ? Number(written[1]) * unitMs[written[2] as keyof typeof unitMs] : 0;
  if (windowMs > 0 && windowMs <= maxWindowMs) return windowMs;
  const message =
    "window must be a whole number of s, m, h or d, such as 3600s, from 1s to 3660d; without it there is no limit";
  findings.push({ pointer: "/window", code: "window", message });
  return undefined;
}
