import type { Actions } from "./contracts.ts";
import { gatherWaitMs } from "./concurrency/batcher.ts";
import { publishTimeoutMs } from "./queue/queue.ts";

/**
 * How often a node says that it is there; one that was not heard of for the timeout gets no
 * requests any more.
 */
export const heartbeats = { everySeconds: 2, timeoutSeconds: 8 };

/** How long an action may take and how long its callers wait for it, milliseconds. */
export interface CallLimit {
  /** The longest it takes, by what limits its steps. */
  readonly takesMs: number;
  /**
   * After this a call is given up: longer than it takes, so that what is given up was lost and is
   * not only slow. 0: never.
   */
  readonly timeoutMs: number;
  /**
   * Whether it changes what is kept. Where such a call gets no answer, it is not known whether it
   * did.
   */
  readonly changes: boolean;
}

/** The longest that a caller of `ingest.collect` may wait for events to be stored. */
export const maxWaitMs = 30_000;

/** The longest that an answer asks processors how far they are. */
export const askWithinMs = 1_000;

/** The most that `QUERY_TIMEOUT_MS` may be. */
export const maxQueryMs = 50_000;

/**
 * The longest that the query service takes for an answer, with the wait for its turn, where
 * `QUERY_TIMEOUT_MS` is not set to more.
 */
const answerWithinMs = 13_000;

/** The time of an answer besides reading. */
const besidesMs = 3_000;

/** The longest that a read waits for its turn. */
export const turnWithinMs = 10_000;

/**
 * What the store needs for reads and writes of its own, by keys: far more than they take while it
 * is there.
 */
const storeMs = 20_000;

/** A hop to another node and back, and what the event loops on the way are late. */
const hopMs = 1_500;

/** The longest that a process which is told to stop waits for the edge's requests under way. */
export const drainWithinMs = 8_000;

/** The longest that it then waits for calls of other nodes. */
export const callsWithinMs = 5_000;

/** From SIGTERM to the end, whatever hangs; as a rule it takes a fraction of a second. */
export const stopWithinMs = drainWithinMs + publishTimeoutMs + callsWithinMs;

/** From the call to the confirmed batch: waiting for the round under way, then the publish. */
export const collectMs = gatherWaitMs + publishTimeoutMs;

const look = (takesMs: number): CallLimit => limited(takesMs, false);
const change = (takesMs: number): CallLimit => limited(takesMs, true);

function limited(takesMs: number, changes: boolean): CallLimit {
  return { takesMs, timeoutMs: takesMs + hopMs, changes };
}

/** Whatever scans events waits for its turn and reads. */
const scanMs = turnWithinMs + maxQueryMs;
const answered = look(storeMs + scanMs);

/** How far the events reach, the range's fingerprint, and the cached answer. */
const question = look(askWithinMs + storeMs + answered.timeoutMs);

/**
 * On a broker: a question to each queue, answered within 5 s each; a caller that asks meanwhile
 * waits for the next round.
 */
const queueMs = 70_000;
const queueLook = look(queueMs);

/** A job on a worker's thread, behind batches. */
const judgeMs = 30_000;

/** A page of events, several at a time. Where it ends in between, the next one goes on. */
const replayMs = 120_000;

/**
 * The limits of each action. `defineService` gives them to Moleculer, which hands a caller's rest
 * on to nested calls.
 */
export const callLimits: { readonly [A in keyof Actions]: CallLimit } = {
  "ingest.collect": change(collectMs + maxWaitMs),
  "ingest.health": queueLook,
  "processor.backlog": queueLook,
  "processor.dead.list": queueLook,
  "processor.dead.show": queueLook,
  "processor.dead.holding": queueLook,
  // With what it is taken down by.
  "processor.dead.replay": change(queueMs + storeMs),
  "processor.dead.remove": change(queueMs + storeMs),
  "processor.quarantine.list": look(storeMs),
  "processor.quarantine.show": look(storeMs),
  // Looked at anew on a worker's thread.
  "processor.quarantine.patch": change(storeMs + judgeMs),
  "processor.quarantine.drop": change(storeMs),
  "processor.quarantine.replay": change(storeMs + judgeMs + publishTimeoutMs),
  "processor.quarantine.replayMany": change(replayMs),
  "processor.tellOrder": look(askWithinMs),
  "processor.health": queueLook,
  // Recounts a range of any length.
  "aggregator.audit": { takesMs: Infinity, timeoutMs: 0, changes: false },
  "aggregator.audits.begin": change(storeMs),
  "aggregator.rollups.rebuild": change(storeMs),
  "aggregator.retention.get": look(storeMs),
  "aggregator.retention.put": change(storeMs),
  "aggregator.erase.event": change(storeMs),
  "aggregator.erase.events": change(storeMs),
  "aggregator.erase.subject": change(storeMs),
  "aggregator.jobs.list": look(storeMs),
  "aggregator.jobs.get": look(storeMs),
  "aggregator.health": look(storeMs),
  "query.events": look(askWithinMs + storeMs + scanMs),
  "query.export": look(askWithinMs + storeMs + scanMs),
  "query.event": look(storeMs),
  "query.trace": look(3 * storeMs + 2 * queueMs),
  "query.counts": question,
  "query.run": question,
  "query.funnel": question,
  "query.retention": question,
  "query.paths": question,
  "query.story": look(askWithinMs + turnWithinMs + storeMs),
  "query.mailReport": question,
  "query.saved.list": look(storeMs),
  "query.saved.get": look(storeMs),
  "query.saved.put": change(storeMs),
  "query.saved.remove": change(storeMs),
  "query.saved.results": look(storeMs + question.takesMs),
  "query.keys.list": look(storeMs),
  "query.keys.get": look(storeMs),
  "query.keys.create": change(storeMs),
  "query.keys.rotate": change(storeMs),
  "query.keys.revoke": change(storeMs),
  "query.keys.known": look(storeMs),
  // Told again by the next one.
  "query.keys.used": look(storeMs),
  "query.schemas.list": look(storeMs),
  "query.schemas.get": look(storeMs),
  "query.schemas.versions": look(storeMs),
  "query.schemas.put": change(storeMs),
  "query.schemas.remove": change(storeMs),
  "query.schemas.infer": look(turnWithinMs + storeMs),
  "query.auditLog": look(storeMs),
  "query.catalog.types": question,
  "query.catalog.properties": question,
  "query.catalog.values": question,
  "query.answered": answered,
  "query.stored": look(askWithinMs + storeMs),
  "query.seconds": look(storeMs),
  "query.outcome": look(storeMs),
  "query.health": look(storeMs),
  "api-gateway.knows": look(askWithinMs),
};

/** The longest that the query service takes for an answer, whatever hangs. */
export function answerMs(queryTimeoutMs: number): number {
  return Math.max(answerWithinMs, queryTimeoutMs + besidesMs);
}

/** How long the edge waits for an answer: what has none then was lost on the way. */
export function readTimeoutMs(queryTimeoutMs: number): number {
  return answerMs(queryTimeoutMs) + hopMs;
}

/**
 * How long the caller of `ingest.collect` waits who lets it wait `waitMs` for the events to be
 * stored.
 */
export function collectTimeoutMs(waitMs: number | undefined): number {
  return collectMs + Math.min(waitMs ?? 0, maxWaitMs) + hopMs;
}

const lost: ReadonlySet<unknown> = new Set(["RequestTimeoutError", "RequestRejectedError"]);

/**
 * Whether a call that failed so may have been carried out: it got no answer in time, or its node
 * was lost meanwhile.
 */
export function isInDoubt(action: string, error: unknown): boolean {
  const limits = (callLimits as Readonly<Record<string, CallLimit | undefined>>)[action];
  return limits?.changes === true && lost.has((error as { name?: unknown } | null)?.name);
}
