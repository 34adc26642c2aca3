import type { Place } from "../store/stored.ts";
import type { PulseSecond } from "./pulse.ts";

/** How long a client waits before it connects again. */
const retryMs = 2_000;

/** Events that were skipped. */
export interface Missed {
  /** `null` where they were not counted. */
  readonly count: number | null;
  /** False where the count is an upper bound. */
  readonly exact: boolean;
  readonly because: "rate" | "slow" | "window";
}

/** Events of which nobody can tell how many passed by: the order of storing does not hold them. */
export const missedByWindow: Missed = { count: null, exact: false, because: "window" };

/** Joins what a slow client has missed: events that were skipped, and what it was not told of. */
export function allMissed(before: Missed | undefined, more: Missed): Missed {
  const { count = 0, exact = true } = before ?? {};
  if (count === null || more.count === null) return missedByWindow;
  return { count: count + more.count, exact: exact && more.exact, because: "slow" };
}

/** The 60 seconds before `time`. */
export interface LivePast {
  readonly time: string;
  readonly perSecond: readonly number[];
}

/** A stage of the pipeline, or the gateway, as the health page shows it. */
export interface LiveStage {
  readonly name: string;
  readonly state: "ok" | "degraded" | "down";
  readonly reason?: string;
  readonly backlog?: number;
  readonly lagMs?: number;
}

/** One second, which ended at `time`. */
export interface LiveSecond {
  readonly time: string;
  readonly events: PulseSecond;
  /** Users of the last minutes; `null` where the store did not answer. */
  readonly activeUsers: {
    readonly count: number;
    readonly exact: boolean;
    readonly windowMs: number;
    readonly asOf: string;
  } | null;
  /** Absent until it is known, as `lagMs` is. */
  readonly asOf?: string;
  readonly lagMs?: number;
  readonly stages: readonly LiveStage[];
}

export type EndReason = "shutdown" | "slow" | "failed" | "key";

/** The id of a frame: a place, and when it was given out. */
export function idOf([first, second]: Place, now: number): string {
  return `${first}.${second}-${now.toString(36)}`;
}

/** Reads an id that `idOf` wrote; `undefined` for any other text. */
export function placeOf(id: string): { readonly place: Place; readonly at: number } | undefined {
  const [, first, second, at] = /^(\d{1,15})\.(\d{1,7})-([0-9a-z]{1,9})$/.exec(id) ?? [];
  if (at === undefined) return undefined;
  return { place: [Number(first), Number(second)], at: Number.parseInt(at, 36) };
}

/** The first block of a stream of events. Its id is the place where the stream begins. */
export function openingFrame(id?: string): string {
  return `retry: ${retryMs}\n${idLine(id)}\n`;
}

/** One event, as JSON without line breaks. */
export function eventFrame(id: string, json: string): string {
  return `id: ${id}\ndata: ${json}\n\n`;
}

export function missedFrame(id: string | undefined, missed: Missed): string {
  return `event: missed\n${idLine(id)}data: ${JSON.stringify(missed)}\n\n`;
}

/**
 * A comment. Clients remember the id beside it, though no event is dispatched (WHATWG HTML 9.2.6).
 */
export function beatFrame(id?: string): string {
  return `: beat\n${idLine(id)}\n`;
}

/** An empty id would take the client's last one from it. */
function idLine(id: string | undefined): string {
  return id === undefined ? "" : `id: ${id}\n`;
}

export function dataFrame(data: object, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

export function endFrame(because: EndReason): string {
  return dataFrame({ because, retryMs }, "end");
}
