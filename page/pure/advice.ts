import { counted } from "./format.ts";

/** A stage of the pipeline, as `/live` and `/health` show it. */
interface Stage {
  readonly name: string;
  readonly state: "ok" | "degraded" | "down";
  readonly reason?: string;
  readonly backlog?: number;
}

export const stageWords = { ok: "Working", degraded: "Slower", down: "Down" } as const;

/** What each stage is for, in a few words. */
const does: Readonly<Record<string, string>> = {
  gateway: "Takes events and questions",
  ingest: "Checks events and puts them into the queue",
  processor: "Stores events from the queue, each once",
  aggregator: "Adds events up into rollups",
  query: "Answers questions",
};

export interface Advice {
  readonly does: string;
  /** What to do, in one sentence. */
  readonly act: string;
  /** The part of docs/operations.md that says more. */
  readonly section?: string;
}

/** What to do, by the stage's reason (lib/health.ts). */
const acts: readonly (readonly [reason: RegExp, act: string, section: string])[] = [
  [
    /queue is nearly full/,
    "Make room on the queue's disk, or let more processors work it off.",
    "AnalyticsQueueNearlyFull",
  ],
  [
    /store is away/,
    "Bring the database back; what is collected meanwhile waits in the queue.",
    "AnalyticsPipelineStalled",
  ],
  [
    /none is finished|no enrichment thread/,
    "Read the processor's log, then start it again.",
    "AnalyticsPipelineStalled",
  ],
  [/dead letters/, "Find out why these failed, then send them again.", "Dead letters"],
  [
    /rollups are late|slowly/,
    "Give the database or the aggregator more CPU; answers stay right.",
    "AnalyticsRollupsLate",
  ],
  [/damaged/, "Read its log, then restore the part from a backup.", "A damaged store"],
  [
    /not there/,
    "Start the service again, and see that it reaches the message broker.",
    "AnalyticsServiceMissing",
  ],
];

/** The purpose of a stage, and what to do about it. */
export function adviceOf({ name, state, reason = "" }: Stage): Advice {
  const what = does[name] ?? "A stage of the pipeline";
  if (state === "ok") return { does: what, act: "Nothing to do." };
  const found = acts.find(([pattern]) => pattern.test(reason));
  if (found === undefined) {
    return { does: what, act: "Read its log, then start it again.", section: "Alerts" };
  }
  return { does: what, act: found[1], section: found[2] };
}

const units: Readonly<Record<string, readonly [string, string]>> = {
  processor: ["batch", "batches"],
  aggregator: ["rollup", "rollups"],
};

/** What waits before a stage, in its own unit. */
export function waitOf({ name, backlog }: Stage): string {
  if (backlog === undefined) return "–";
  if (backlog === 0) return "nothing";
  return counted(backlog, ...(units[name] ?? ["piece", "pieces"]));
}
