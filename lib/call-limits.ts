import type { Actions } from "./contracts.ts";
import { gatherWaitMs } from "./concurrency/batcher.ts";
import { publishTimeoutMs } from "./queue/queue.ts";

/**
 * How often a node announces itself. A node that was silent for the timeout gets no requests any
 * more.
 */
export const heartbeats = { everySeconds: 2, timeoutSeconds: 8 };

/** How long an action may take and how long its callers wait for it, milliseconds. */
export interface CallLimit {
  /** The longest that the action takes; the limits of its steps bound it. */
  readonly takesMs: number;
  /**
   * The caller gives up after this time. It is longer than the action takes, so a call that is
   * given up was lost, not slow. 0: never.
   */
  readonly timeoutMs: number;
  /**
   * Whether a caller that gets no answer must be told that the outcome is unknown. False where the
   * action changes nothing, or is simply repeated.
   */
  readonly leavesDoubt: boolean;
}

/**
 * The longest that a client of the edge waits for an answer, from the last byte of its request on:
 * for collecting, for every change and look. Waits that somebody asked for come on top:
 * `readTimeoutMs` and `collectTimeoutMs` say which. Clients are promised 15 s; the rest is for
 * event loops that are late on a busy machine.
 */
export const requestMs = 12_000;

/** The longest that a caller of `ingest.collect` may wait for events to be stored. */
export const maxWaitMs = 30_000;

/** The longest that an answer waits for the processors' word on how far they are. */
export const askWithinMs = 1_000;

/**
 * The most bytes of a request or an answer between nodes. RabbitMQ takes 16 MiB (4.0 and later): a
 * larger message costs the sender its connection, with all that is under way on it.
 */
export const maxMessageBytes = 12_582_912;

/** The most bytes of a page of events that another node asks for. */
export const maxSentPageBytes = 8_388_608;

/** The most that `QUERY_TIMEOUT_MS` may be. */
export const maxQueryMs = 50_000;

/** The time that an answer takes besides reading. */
const besidesMs = 1_000;

/** The longest that a read waits for its turn. */
export const turnWithinMs = 10_000;

/** The way to another node and back, with the delay of the event loops on it. */
const hopMs = 1_500;

/**
 * What the store's own reads and writes by key may take: far more than they need while the store
 * can be reached.
 */
const storeMs = requestMs - hopMs;

/**
 * A process that is told to stop waits at most this long for requests under way at the edge: as
 * long as a request takes for whose client no longer wait was allowed.
 */
export const drainWithinMs = requestMs + besidesMs;

/**
 * A stopping process waits at most this long for calls of other nodes, after the requests at the
 * edge.
 */
export const callsWithinMs = 5_000;

/**
 * The time from SIGTERM to the end, even if something hangs; as a rule it takes a fraction of a
 * second.
 */
export const stopWithinMs = drainWithinMs + publishTimeoutMs + callsWithinMs;

/**
 * The time from the call to the confirmed batch: the wait for the round under way, then the
 * publish.
 */
export const collectMs = gatherWaitMs + publishTimeoutMs;

const look = (takesMs: number): CallLimit => limited(takesMs, false);
const change = (takesMs: number): CallLimit => limited(takesMs, true);

function limited(takesMs: number, leavesDoubt: boolean): CallLimit {
  return { takesMs, timeoutMs: takesMs + hopMs, leavesDoubt };
}

/** A read that scans events waits for its turn, then reads. */
const scanMs = turnWithinMs + maxQueryMs;
const answered = look(storeMs + scanMs);

/** The time to prove `asOf`, to read the range's fingerprint and to fetch the cached answer. */
const question = look(askWithinMs + storeMs + answered.timeoutMs);

/**
 * A RabbitMQ node is asked for each queue, 5 s each at most; a caller that comes meanwhile waits
 * for the next round.
 */
const queueMs = 70_000;
const queueLook = look(queueMs);

/** The time of a job on a worker's thread behind batches. */
const judgeMs = 30_000;

/** The time to let an event out of quarantine: it is judged and published. */
const releaseMs = storeMs + judgeMs + publishTimeoutMs;

/**
 * How long a replay of many events takes up one event after the other, several at once. The next
 * call continues where it stopped.
 */
export const replayWithinMs = 6_000;

/**
 * The limits of each action for callers that have none of their own, such as other services and
 * operators. `defineService` gives them to Moleculer. A caller with less time left, as every
 * request at the edge, waits only that long; nested calls get what is left.
 */
export const callLimits: { readonly [A in keyof Actions]: CallLimit } = {
  "ingest.collect": change(collectMs + maxWaitMs),
  "ingest.health": queueLook,
  "processor.backlog": queueLook,
  "processor.dead.list": queueLook,
  "processor.dead.show": queueLook,
  "processor.dead.holding": queueLook,
  // The time includes the entry in the audit log.
  "processor.dead.replay": change(queueMs + storeMs),
  "processor.dead.remove": change(queueMs + storeMs),
  // It looks through all letters, and each that it changes is looked for again.
  "processor.dead.forget": { takesMs: Infinity, timeoutMs: 0, leavesDoubt: false },
  "processor.quarantine.list": look(storeMs),
  "processor.quarantine.show": look(storeMs),
  // A worker's thread judges the event again.
  "processor.quarantine.patch": change(storeMs + judgeMs),
  "processor.quarantine.drop": change(storeMs),
  "processor.quarantine.replay": change(releaseMs),
  "processor.quarantine.replayMany": change(storeMs + replayWithinMs + releaseMs),
  "processor.tellOrder": look(askWithinMs),
  "processor.health": queueLook,
  // A recount takes as long as its range has events.
  "aggregator.audit": { takesMs: Infinity, timeoutMs: 0, leavesDoubt: false },
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
  "query.exportSubject": look(askWithinMs + storeMs + scanMs),
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
  // The next report repeats what a lost one said.
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
  "query.part": look(scanMs),
  "query.stored": look(askWithinMs + storeMs),
  "query.seconds": look(storeMs),
  "query.outcome": look(storeMs),
  "query.health": look(storeMs),
  "api-gateway.knows": look(askWithinMs),
};

/**
 * The longest that the query service takes for an answer, its wait for a turn included, whatever
 * hangs. An operator may have asked for longer ones by `QUERY_TIMEOUT_MS`.
 */
export function answerMs(queryTimeoutMs: number): number {
  return Math.max(requestMs - hopMs, queryTimeoutMs + besidesMs);
}

/** How long the edge waits for an answer: an answer that takes longer was lost on the way. */
export function readTimeoutMs(queryTimeoutMs: number): number {
  return answerMs(queryTimeoutMs) + hopMs;
}

/** How long a caller of `ingest.collect` waits that does not wait for the events to be stored. */
export const collectTimeoutMs = collectMs + hopMs;

const lost: ReadonlySet<unknown> = new Set(["RequestTimeoutError", "RequestRejectedError"]);

/**
 * Whether a failed call may have been carried out: it got no answer in time, or its node was lost
 * meanwhile.
 */
export function isInDoubt(action: string, error: unknown): boolean {
  const limits = (callLimits as Readonly<Record<string, CallLimit | undefined>>)[action];
  return limits?.leavesDoubt === true && lost.has((error as { name?: unknown } | null)?.name);
}
