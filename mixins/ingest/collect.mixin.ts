import { randomUUIDv7 } from "node:crypto";
import type { Config } from "../../lib/config.ts";
import type { Receipt } from "../../lib/event/receipt.ts";
import { maxMessageBytes } from "../../lib/call-limits.ts";
import { countryReader } from "../../lib/country.ts";
import { errorType, messageTooLarge, ServiceError } from "../../lib/errors.ts";
import { admit, jsonOfAll, type AdmittedEvent, type ItemResult } from "../../lib/event/admit.ts";
import { givenIds } from "../../lib/event/given-ids.ts";
import { contentHash } from "../../lib/event/content-hash.ts";
import type { BatchId, EventId, ProjectId } from "../../lib/event/event.ts";
import { maxBatchEvents } from "../../lib/event/limits.ts";
import { originReader, type Origin } from "../../lib/event/enrich/ip.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { gatherWaitMs, Batcher } from "../../lib/concurrency/batcher.ts";
import { encodeBatch, maxNamedRequests, type BatchStory } from "../../lib/event/batch-message.ts";
import { QueueMixin } from "../queue.mixin.ts";

/** More than what a message on the queue has besides its events. */
const messageHeadBytes = 65_536;

/**
 * The id and the content's hash of an accepted event: they tell it from another event of its id.
 */
export interface HashedId {
  readonly id: EventId;
  readonly hash: string;
}

/** The result of one call whose events are durable. */
interface Collected {
  readonly receipt: Receipt;
  /**
   * The ids and hashes of the accepted events; empty where the caller will not ask for their
   * outcomes.
   */
  readonly hashedIds: readonly HashedId[];
}

/** What CollectMixin gives to `this`. */
export interface Collecting {
  collect(inputs: unknown, project: ProjectId, of: CallOfEvents): Promise<Collected>;
}

/**
 * Gives a service `this.collect(events, project, of)`: it checks each event, makes the valid ones
 * durable and returns a result for every one. Addresses are truncated here, before anything is
 * written, and their countries are looked up.
 */
export function CollectMixin(config: Config) {
  const mostBytes = Math.min(maxMessageBytes, config.queueMaxBytes - messageHeadBytes);
  return defineMixin<{ state: { originOf: (ip: string) => Origin } }>()({
    mixins: [BatchPublisherMixin(config)],
    methods: {
      async collect(inputs: unknown, project: ProjectId, of: CallOfEvents): Promise<Collected> {
        const checked = checkedCall(inputs, of, this.originOf);
        const bytes = checked.piece?.bytes.length ?? 0;
        if (bytes > mostBytes) throw tooLarge(bytes, mostBytes);
        return this.publishChecked(project, checked);
      },

      /**
       * Separate from `collect`, so that what waits for the disk holds bytes, not parsed events.
       */
      async publishChecked(
        project: ProjectId,
        { results, piece, hashedIds, givenId, again }: CheckedCall,
      ): Promise<Collected> {
        const rejected = results.filter(({ status }) => status === "rejected").length;
        const accepted = results.length - rejected;
        const batch =
          piece === null
            ? null
            : await this.publishEvents(project, piece).catch((error: unknown) => {
                throw again || isInDoubt(error) ? inDoubt(results, givenId) : error;
              });
        // Counted only now: a request whose events were not kept got no results.
        this.countEvents({ accepted, rejected, duplicate: accepted - (piece?.count ?? 0) });
        return {
          receipt: { batch, accepted, rejected, results },
          hashedIds,
        };
      },

      countEvents(numbers: Readonly<Record<"accepted" | "rejected" | "duplicate", number>>): void {
        for (const outcome of ["accepted", "rejected", "duplicate"] as const) {
          this.metrics.increment("analytics_events_total", { outcome }, numbers[outcome]);
        }
      },

      drain(): Promise<void> {
        return this.flush();
      },
    },
    created() {
      this.originOf = originReader({ countryOf: countryReader(), fullIp: config.fullIp });
    },
  });
}

/** Numbers such as `9e15` are longer once they are written out, so a body's length tells nothing. */
function tooLarge(bytes: number, most: number): ServiceError {
  return messageTooLarge(
    `written out, the events have ${bytes} bytes, and may have ${most}: send fewer at a time`,
  );
}

function isInDoubt(error: unknown): boolean {
  return errorType(error) === "OUTCOME_UNKNOWN";
}

/**
 * Tells the ids that were given to events without one: to send such an event again, the caller needs
 * its id.
 */
function inDoubt(
  results: readonly ItemResult[],
  givenId: (place: number) => EventId,
): ServiceError {
  const ids = results.flatMap((result) =>
    result.status === "accepted" && result.id === givenId(result.index)
      ? [{ index: result.index, id: result.id }]
      : [],
  );
  return new ServiceError("OUTCOME_UNKNOWN", undefined, { ids });
}

/** The call that brings events. */
interface CallOfEvents {
  /** Its id, which a call that is delivered twice has both times: `ctx.id`. */
  readonly id: string;
  /** Whether it was carried out before: what cannot be kept now may have been kept then. */
  readonly again?: boolean;
  /** Whether the caller will ask for the outcomes. */
  readonly watched?: boolean;
  readonly story?: BatchStory;
}

/** A call whose events were checked and are not published yet. */
interface CheckedCall {
  readonly results: readonly ItemResult[];
  readonly piece: Piece | null;
  readonly hashedIds: readonly HashedId[];
  readonly givenId: (place: number) => EventId;
  readonly again: boolean;
}

function checkedCall(
  inputs: unknown,
  { id, again = false, watched = false, story = {} }: CallOfEvents,
  originOf: (ip: string) => Origin,
): CheckedCall {
  if (!Array.isArray(inputs) || inputs.length > maxBatchEvents) {
    throw new ServiceError("VALIDATION", `events must be an array of at most ${maxBatchEvents}`);
  }
  const givenId = givenIds(id);
  const { results, accepted } = admit(inputs, { now: Date.now(), newId: givenId, originOf });
  return {
    results,
    givenId,
    again,
    piece: accepted.length === 0 ? null : pieceOf(accepted, story),
    hashedIds: watched
      ? accepted.map(({ event }) => ({ id: event.id, hash: contentHash(event) }))
      : [],
  };
}

/**
 * The accepted events of one call, ready to become a part of a batch. Their bytes lie outside the
 * heap: many calls wait for the disk at once, and the garbage collector would copy whatever waits
 * on the heap again and again.
 */
interface Piece {
  /** Another call may have the same: the same call again, or events that are sent again. */
  readonly ids: readonly EventId[];
  readonly count: number;
  /** The events' JSON, joined by commas. */
  readonly bytes: Uint8Array;
  readonly receivedAt: number;
  readonly story: BatchStory;
}

/** Turns the accepted events of one call into a piece of a batch. Never empty. */
function pieceOf(events: readonly AdmittedEvent[], story: BatchStory): Piece {
  return {
    story,
    ids: events.map(({ event }) => event.id),
    count: events.length,
    bytes: Buffer.from(jsonOfAll(events)),
    receivedAt: events.reduce((oldest, { event }) => Math.min(oldest, event.receivedAt), Infinity),
  };
}

const limits = {
  maxItems: 500,
  maxBytes: 1_048_576,
  maxWaitingItems: 50_000,
  maxWaitMs: gatherWaitMs,
};

/**
 * Gives a service `this.publishEvents(project, piece)`: it resolves with the batch that carries
 * the events once the queue has confirmed it. Concurrent calls of a project share a batch; the
 * events of one call are never split over two, so a refusal keeps none of them. A batch holds an id
 * once.
 */
function BatchPublisherMixin(config: Config) {
  return defineMixin<{ state: { batchers: Map<ProjectId, Batcher<Piece, BatchId>> } }>()({
    mixins: [QueueMixin(config)],
    methods: {
      publishEvents(project: ProjectId, piece: Piece): Promise<BatchId> {
        let batcher = this.batchers.get(project);
        if (batcher === undefined) {
          batcher = new Batcher((group) => this.publishGroup(project, group), limits, overloaded);
          this.batchers.set(project, batcher);
        }
        return batcher.add({
          value: piece,
          items: piece.count,
          sizeBytes: piece.bytes.length,
        });
      },

      async publishGroup(
        project: ProjectId,
        group: readonly Piece[],
      ): Promise<readonly Promise<BatchId>[]> {
        const batches = withoutRepeats(group);
        const published = new Map<Piece, Promise<BatchId>>();
        for (const batch of batches) {
          const confirmed = this.publishBatch(project, batch);
          for (const piece of batch) published.set(piece, confirmed);
        }
        await Promise.allSettled(published.values());
        return group.map((piece) => published.get(piece) as Promise<BatchId>);
      },

      async publishBatch(project: ProjectId, pieces: readonly Piece[]): Promise<BatchId> {
        const batch = randomUUIDv7();
        const events = pieces.reduce((sum, { count }) => sum + count, 0);
        const startedAt = performance.now();
        const { requestIds, parent, links } = storyOfAll(pieces);
        const start = { kind: "producer", parent, links, attributes: { batch, events } } as const;
        await this.tracing.run("publish batch", parent === undefined ? null : start, (span) =>
          this.queue.publish({
            body: encodeBatch(
              batch,
              project,
              pieces.map(({ bytes }) => bytes),
              { requestIds, traceparent: span.traceparent },
            ),
            receivedAt: Math.min(...pieces.map((piece) => piece.receivedAt)),
          }),
        );
        this.metrics.observe("analytics_publish_seconds", (performance.now() - startedAt) / 1000);
        this.metrics.observe("analytics_batch_events", events);
        this.metrics.increment("analytics_batches_total", { outcome: "published" });
        return batch;
      },

      /** Waits until everything accepted so far is confirmed or refused. */
      async flush(): Promise<void> {
        await Promise.all([...this.batchers.values()].map((batcher) => batcher.idle()));
      },
    },
    created() {
      this.batchers = new Map();
    },
  });
}

/**
 * Joins the stories of a batch's pieces: the work that publishes the batch, and the other work that
 * it serves.
 */
function storyOfAll(pieces: readonly Piece[]) {
  const requestIds = pieces
    .flatMap(({ story }) => story.requestIds ?? [])
    .slice(0, maxNamedRequests);
  const [parent, ...links] = pieces.flatMap(({ story }) => story.traceparent ?? []);
  return { requestIds, parent, links };
}

/** Splits pieces into the fewest batches without repeated ids: nearly always one. */
function withoutRepeats(group: readonly Piece[]): readonly (readonly Piece[])[] {
  if (group.length === 1) return [group];
  const batches: { readonly ids: Set<string>; readonly pieces: Piece[] }[] = [];
  for (const piece of group) {
    let batch = batches.find(({ ids }) => !piece.ids.some((id) => ids.has(id)));
    if (batch === undefined) batches.push((batch = { ids: new Set(), pieces: [] }));
    for (const id of piece.ids) batch.ids.add(id);
    batch.pieces.push(piece);
  }
  return batches.map(({ pieces }) => pieces);
}

function overloaded(): ServiceError {
  return new ServiceError(
    "QUEUE_UNAVAILABLE",
    "More events wait to be made durable than can be kept waiting",
    {
      retryAfter: 1,
    },
  );
}
