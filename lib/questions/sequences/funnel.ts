import { largest, breakdown } from "./breakdown-values.ts";
import type { Fold } from "../fold.ts";
import { Attempts } from "./funnel-attempts.ts";
import type { Share } from "../share.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { OpenFilter } from "../reading/filter-parameters.ts";
import type { OpenRange } from "../../event/filter.ts";
import { range, readBody } from "../reading/body.ts";
import { zoneOfRange } from "../reading/relative-range.ts";
import { described, fieldOf, flag, needed, type Field } from "../reading/field.ts";
import { by, type ActorKind } from "./actor.ts";
import { checkSize, filterOf, typedSelection, type Selection, MarkedEvents } from "./selection.ts";

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
  timezone: zoneOfRange,
  breakdown,
  by,
  strictlyLater: described(
    flag(false),
    "Whether each step must be later than the one before; else it may be of the same instant",
  ),
};

/**
 * Reads the body of a funnel question.
 * @throws ServiceError VALIDATION with a finding for each thing that is wrong, and what is allowed
 */
export function readFunnelJob(body: unknown): FunnelJob {
  return readBody(body, funnelBody, ({ window: windowMs, timezone: _timezone, ...others }) => ({
    kind: "funnel",
    windowMs,
    ...others,
  }));
}

/** The filter for the events of any step. */
export function funnelFilter({ steps, range }: FunnelJob): OpenFilter {
  return filterOf(steps, range);
}

/** One step of a funnel. */
export interface FunnelStep {
  readonly type: string;
  /** The number of users whose best attempts reached this step. */
  readonly users: number;
  /**
   * The share of the first step's users that reached this one, from 0 to 1; 0 where nobody began.
   */
  readonly conversion: number;
  /**
   * The share of the previous step's users that reached this one; for the first step the same as
   * `conversion`.
   */
  readonly stepConversion: number;
  /** How long users took from this step to the next; `null` where nobody reached the next step. */
  readonly medianMs: number | null;
  readonly p90Ms: number | null;
}

export interface FunnelResult {
  readonly steps: readonly FunnelStep[];
  /** With a breakdown: the values with the most users, the largest first. */
  readonly results?: readonly { readonly value: string; readonly steps: readonly FunnelStep[] }[];
  /** The number of further values. */
  readonly valuesLeftOut?: number;
}

/**
 * A funnel. An attempt begins at any event of the first step and takes for each next step the first
 * event that is no earlier than the one before; it ends where there is none, or none within the
 * window from its beginning. An event is one step of an attempt, and events of one instant count as
 * if they had come in the order of the steps; with `strictlyLater` they do not follow each other at
 * all. Of each user's attempts one counts: the one that gets furthest, of those the shortest, of
 * those the earliest.
 * With a breakdown, attempts are told apart by the value of their first event, and a user's best
 * attempt for each value counts: a user who began with two values is a user of both.
 * Median and p90 are exact, by nearest rank: each is a time that a user took.
 */
export function funnelFold(job: FunnelJob, share?: Share): Fold<FunnelResult> {
  return new Funnel(job, share);
}

/**
 * The funnel of some users: of all values together, and of each value that an attempt began with.
 */
interface FunnelPart {
  readonly all: TallyPart;
  readonly values: readonly (readonly [value: string, tally: TallyPart])[];
}

class Funnel extends MarkedEvents implements Fold<FunnelResult> {
  readonly #job: FunnelJob;
  readonly #parts: FunnelPart[] = [];

  constructor(job: FunnelJob, share?: Share) {
    super(job.by, job.steps, job.breakdown, share);
    this.#job = job;
  }

  partial(): FunnelPart {
    const { all, texts, byValue } = this.#tallied();
    const values = byValue.map((tally, value) => [texts[value]!, tally.partial()] as const);
    return { all: all.partial(), values };
  }

  merge(part: FunnelPart): void {
    this.#parts.push(part);
    for (const [value] of part.values) this.values.numberOfShown(value);
  }

  finish(): FunnelResult {
    const { all, texts, byValue } = this.#tallied();
    if (this.#job.breakdown === undefined) return { steps: all.steps() };
    const shown = largest(texts, (value) => byValue[value]!.users);
    return {
      steps: all.steps(),
      results: shown.map(({ value, number }) => ({ value, steps: byValue[number]!.steps() })),
      valuesLeftOut: texts.length - shown.length,
    };
  }

  /** The tally of all attempts, and the tally of each value that attempts began with. */
  #tallied(): {
    readonly all: Tally;
    readonly texts: readonly string[];
    readonly byValue: readonly Tally[];
  } {
    const { steps, windowMs = Infinity, strictlyLater, breakdown } = this.#job;
    const types = steps.map(({ type }) => type!);
    const rows = this.timeline.inOrder();
    const attempts = new Attempts(types.length, windowMs, strictlyLater);
    const all = new Tally(types);
    const texts = this.values.all();
    const byValue = texts.map(() => new Tally(types));
    for (let actor = 1; actor < rows.starts.length; actor++) {
      attempts.read(rows, rows.starts[actor - 1]!, rows.starts[actor]!, breakdown !== undefined);
      if (attempts.best.depth > 0) all.add(attempts.best.depth, attempts.best.instants);
      for (const [value, { depth, instants }] of attempts.bestOf) {
        byValue[value]!.add(depth, instants);
      }
    }
    for (const part of this.#parts) {
      all.merge(part.all);
      for (const [value, tally] of part.values) {
        byValue[this.values.numberOfShown(value)]!.merge(tally);
      }
    }
    return { all, texts, byValue };
  }
}

/**
 * The number of attempts that ended at each step; and for each step but the last the times to the
 * next one, as bytes of doubles, base64.
 */
interface TallyPart {
  readonly ended: readonly number[];
  readonly waits: readonly string[];
}

/** Adds up the attempts that count. */
class Tally {
  readonly #types: readonly string[];
  /** The number of attempts that ended at each step. */
  readonly #ended: number[];
  /** The times from each step, but the last, to the next one. */
  readonly #waits: readonly number[][];

  constructor(types: readonly string[]) {
    this.#types = types;
    this.#ended = types.map(() => 0);
    this.#waits = types.slice(1).map(() => []);
  }

  get users(): number {
    return this.#ended.reduce((sum, ended) => sum + ended, 0);
  }

  add(depth: number, instants: Float64Array): void {
    this.#ended[depth - 1]! += 1;
    for (let step = 1; step < depth; step++) {
      this.#waits[step - 1]!.push(instants[step]! - instants[step - 1]!);
    }
  }

  partial(): TallyPart {
    const waits = this.#waits.map((each) => {
      const { buffer } = Float64Array.from(each).sort();
      return Buffer.from(buffer).toString("base64");
    });
    return { ended: this.#ended, waits };
  }

  merge({ ended, waits }: TallyPart): void {
    ended.forEach((attempts, step) => (this.#ended[step]! += attempts));
    waits.forEach((text, step) => {
      const bytes = Uint8Array.from(Buffer.from(text, "base64"));
      for (const wait of new Float64Array(bytes.buffer)) this.#waits[step]!.push(wait);
    });
  }

  steps(): readonly FunnelStep[] {
    const began = this.users;
    let users = began;
    let before = began;
    return this.#types.map((type, i) => {
      if (i > 0) users -= this.#ended[i - 1]!;
      const waits = Float64Array.from(this.#waits[i] ?? []).sort();
      const step = {
        type,
        users,
        conversion: share(users, began),
        stepConversion: share(users, before),
        medianMs: nearestRank(waits, 0.5),
        p90Ms: nearestRank(waits, 0.9),
      };
      before = users;
      return step;
    });
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function nearestRank(sorted: Float64Array, quantile: number): number | null {
  return sorted[Math.ceil(sorted.length * quantile) - 1] ?? null;
}
