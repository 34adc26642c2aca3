import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { collectTimeoutMs } from "../../lib/call-limits.ts";
import type { Actions, Meta } from "../../lib/contracts.ts";
import { maxNamedRequests } from "../../lib/event/batch-message.ts";
import { pointedAsSent } from "../../lib/event/cloud-event.ts";
import type { Traceparent } from "../../lib/tracing/tracing.ts";
import type { Receipt } from "../../lib/event/receipt.ts";
import {
  catalogue,
  errorType,
  ServiceError,
  type ErrorData,
  type GivenId,
} from "../../lib/errors.ts";
import type { ProjectId } from "../../lib/event/event.ts";
import { givenIds, placesWithoutId } from "../../lib/event/given-ids.ts";
import { maxBatchBytes, maxBatchEvents, maxEventBodyBytes } from "../../lib/event/limits.ts";
import { CollectingRequests } from "../../lib/concurrency/collecting-requests.ts";
import { Batcher, gatherWaitMs } from "../../lib/concurrency/batcher.ts";
import {
  batchFormOf,
  batchTypeOf,
  eventFormOf,
  readEvent,
  inBodyOrder,
  inBodyPlaces,
  readBatch,
  type RejectedItem,
  batchAnswer,
  eventAnswer,
  readResultsChoice,
  waitOf,
  type RouteAnswer,
  type BatchMediaType,
} from "../../lib/http/collecting.ts";
import type { Identity } from "../../lib/http/identity.ts";
import { errorOfItem } from "../../lib/http/problem.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Edge } from "./edge.ts";
import type { RequestMetrics, RequestTraces } from "./request-telemetry.mixin.ts";

const eventLimits = { wireBytes: maxEventBodyBytes, inflatedBytes: maxEventBodyBytes };
const batchLimits = { wireBytes: maxBatchBytes, inflatedBytes: maxBatchBytes };
const groupLimits = {
  maxItems: 500,
  maxBytes: 1_048_576,
  maxWaitingItems: 20_000,
  maxWaitMs: gatherWaitMs,
};

/**
 * A request of this many events or more goes to ingest in a call of its own: it is worth the hop,
 * and need not wait for others.
 */
const aloneFrom = 50;

/** The route, as a label of `analytics_http_requests_total`. */
type CollectRoute = "collect" | "batch";

type Inputs = readonly unknown[];

/** The part of a call that belongs to one request. */
interface Piece {
  readonly inputs: Inputs;
  readonly requestId: string;
  readonly traceparent: Traceparent | undefined;
}

type Needs = Pick<
  Edge,
  "checkAccess" | "answerProblem" | "chargeEvents" | "frontRoutes" | "takeBody"
> &
  RequestMetrics &
  RequestTraces;

/** The part of a receipt about one request. */
export type ReceiptPart = Pick<Receipt, "results">;

/**
 * Gives the gateway the two collecting routes, in front of moleculer-web's own pipeline. Concurrent
 * requests of a project are joined into one call of `ingest.collect`, so that the hop to ingest is
 * paid once for the group.
 */
export function CollectEdgeMixin() {
  return defineMixin<{
    needs: Needs;
    state: {
      groups: Map<ProjectId, Batcher<Piece, ReceiptPart>>;
      collecting: CollectingRequests;
    };
  }>()({
    methods: {
      /** Sends the answer that `collecting` resolves with. */
      answerWith(
        route: CollectRoute,
        request: IncomingMessage,
        response: ServerResponse,
        collecting: Promise<RouteAnswer>,
      ): void {
        collecting.then(
          (answer) => this.accept(route, request, response, answer),
          (error: unknown) => this.refuse(request, response, error),
        );
      },

      /**
       * Writes all headers at once: `setHeader` before `writeHead` makes Node write them one by
       * one, twice.
       */
      accept(
        route: CollectRoute,
        request: IncomingMessage,
        response: ServerResponse,
        { status, headers, body }: RouteAnswer,
      ): void {
        response.writeHead(status, {
          "X-Request-Id": request.headers["x-request-id"],
          "Cache-Control": "no-store",
          "X-Content-Type-Options": "nosniff",
          ...headers,
        });
        response.end(body);
        this.countAnswer(route, status);
      },

      refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
        this.observeRequest(request, response);
        const type = errorType(error);
        if (catalogue[type].status === 503) {
          this.metrics.increment("analytics_collect_refused_total", {
            reason: type.toLowerCase(),
          });
        }
        this.answerProblem(request, response, error);
      },

      async collectEvent(
        request: IncomingMessage,
        response: ServerResponse,
        search: string,
      ): Promise<RouteAnswer> {
        const identity = this.checkAccess(request, response, "events:write");
        const { project } = identity;
        readResultsChoice(search, []);
        const form = eventFormOf(request.headers);
        const bytes = await this.takeBody(request, response, eventLimits, identity);
        const reading = readEvent(bytes, request.headers, form);
        if (reading.status === "rejected") {
          this.countRejected(1);
          throw errorOfItem(reading.error);
        }
        const waitMs = waitOf(request.headers);
        const piece = this.pieceOf(request, [reading.input]);
        const receipt =
          waitMs === undefined
            ? await this.collecting.during(this.gather(project, piece, bytes.length))
            : await this.callIngest(project, [piece], waitMs);
        const results = pointedAsSent(receipt.results, form);
        return eventAnswer({ ...receipt, results }, waitMs);
      },

      async collectBatch(
        request: IncomingMessage,
        response: ServerResponse,
        search: string,
      ): Promise<RouteAnswer> {
        const identity = this.checkAccess(request, response, "events:write");
        const choice = readResultsChoice(search, ["errors", "all"]) ?? "errors";
        const type = batchTypeOf(request.headers["content-type"]);
        const { part, rejected } = this.startBatch(
          identity,
          request,
          response,
          await this.takeBody(request, response, batchLimits, identity),
          type,
        );
        const { results } = await part.catch((error: unknown) => {
          throw withIds(error, (ids) => inBodyPlaces(ids, rejected));
        });
        this.countRejected(rejected.length);
        const pointed = pointedAsSent(results, batchFormOf(type));
        return batchAnswer(inBodyOrder(pointed, rejected), choice);
      },

      /** Counts events that ingest never sees because they could not be read. */
      countRejected(events: number): void {
        this.metrics.increment("analytics_events_total", { outcome: "rejected" }, events);
      },

      /**
       * Separate from `collectBatch`, which waits for the disk and must not hold the body and the
       * parsed events meanwhile.
       */
      startBatch(
        identity: Identity,
        request: IncomingMessage,
        response: ServerResponse,
        bytes: Buffer,
        type: BatchMediaType,
      ): { readonly part: Promise<ReceiptPart>; readonly rejected: readonly RejectedItem[] } {
        const { project } = identity;
        const { inputs, rejected } = readBatch(bytes, type, maxBatchEvents);
        // Charged before the work: otherwise a caller with many concurrent requests would spend its
        // balance several times.
        this.chargeEvents(identity, request, response, inputs.length + rejected.length - 1);
        const piece = this.pieceOf(request, inputs);
        if (inputs.length >= aloneFrom) {
          return { part: this.collecting.during(this.callIngest(project, [piece])), rejected };
        }
        const part =
          inputs.length > 0
            ? this.collecting.during(this.gather(project, piece, bytes.length))
            : Promise.resolve({ results: [] });
        return { part, rejected };
      },

      pieceOf(request: IncomingMessage, inputs: Inputs): Piece {
        const requestId = String(request.headers["x-request-id"]);
        return { inputs, requestId, traceparent: this.traceparentOf(request) };
      },

      gather(project: ProjectId, piece: Piece, sizeBytes: number): Promise<ReceiptPart> {
        let group = this.groups.get(project);
        if (group === undefined) {
          group = new Batcher(
            async (pieces) => settled(this.collectGroup(project, pieces)),
            groupLimits,
            overloaded,
          );
          this.groups.set(project, group);
        }
        return group.add({ value: piece, items: piece.inputs.length, sizeBytes });
      },

      collectGroup(project: ProjectId, pieces: readonly Piece[]): readonly Promise<ReceiptPart>[] {
        const calling = this.callIngest(project, pieces);
        let offset = 0;
        return pieces.map(({ inputs }) => {
          const from = offset;
          offset += inputs.length;
          return partOf(calling, from, offset);
        });
      },

      callIngest(project: ProjectId, pieces: readonly Piece[], waitMs?: number): Promise<Receipt> {
        const events =
          pieces.length === 1 ? pieces[0]!.inputs : pieces.flatMap(({ inputs }) => inputs);
        const params: Actions["ingest.collect"]["params"] = { events, waitMs };
        const timeout = collectTimeoutMs + (waitMs ?? 0);
        const requestIds = pieces.slice(0, maxNamedRequests).map(({ requestId }) => requestId);
        const [traceparent, ...traceLinks] = pieces.flatMap((piece) => piece.traceparent ?? []);
        const meta: Meta = {
          project,
          requestIds,
          ...(traceparent !== undefined && { traceparent, traceLinks }),
        };
        const calling: Calling = this.broker.call("ingest.collect", params, { meta, timeout });
        const unnamed = placesWithoutId(events);
        return calling.catch((error: unknown) => {
          throw withGivenIds(error, calling.ctx, unnamed);
        });
      },
    },
    created() {
      this.groups = new Map();
      this.collecting = CollectingRequests.of(this.broker);
      this.frontRoutes.set("/api/v1/events", {
        answer: (request, response, search) =>
          this.answerWith(
            "collect",
            request,
            response,
            this.collectEvent(request, response, search),
          ),
        isAlone: false,
      });
      this.frontRoutes.set("/api/v1/events/batch", {
        answer: (request, response, search) =>
          this.answerWith("batch", request, response, this.collectBatch(request, response, search)),
        // `batch` cannot be the id of an event.
        isAlone: true,
      });
    },
  });
}

/** Waits for all parts, which belong to one call. */
async function settled<T>(parts: readonly Promise<T>[]): Promise<readonly Promise<T>[]> {
  await Promise.allSettled(parts);
  return parts;
}

/** The part of a joint call that belongs to the request with the inputs from `from` on. */
async function partOf(calling: Promise<Receipt>, from: number, to: number): Promise<ReceiptPart> {
  const here = <T extends { readonly index: number }>(items: readonly T[]): readonly T[] =>
    from === 0 ? items : items.map((item) => ({ ...item, index: item.index - from }));
  try {
    return { results: here((await calling).results.slice(from, to)) };
  } catch (error) {
    throw withIds(error, (ids) => here(ids.filter(({ index }) => index >= from && index < to)));
  }
}

/** A call under way. Its context is absent where no node has the action. */
type Calling = Promise<Receipt> & { readonly ctx?: Pick<Context, "id"> };

/**
 * Adds the ids that ingest gives to the events of a call without one, where the call's answer is
 * lost and so is what ingest would have told.
 * @param unnamed the places of these events in the call
 */
function withGivenIds(error: unknown, call: Calling["ctx"], unnamed: readonly number[]): unknown {
  const { data } = error as { data?: ErrorData };
  const isLost = errorType(error) === "OUTCOME_UNKNOWN" && data?.ids === undefined;
  if (!isLost || call === undefined) return error;
  const idAt = givenIds(call.id);
  const ids = unnamed.map((index) => ({ index, id: idAt(index) }));
  return new ServiceError("OUTCOME_UNKNOWN", undefined, { ids });
}

/** Replaces the ids of an error by ids with their places in the body. */
function withIds(error: unknown, moved: (ids: readonly GivenId[]) => readonly GivenId[]): unknown {
  const { data } = error as { data?: ErrorData };
  if (errorType(error) !== "OUTCOME_UNKNOWN" || data?.ids === undefined) return error;
  return new ServiceError("OUTCOME_UNKNOWN", undefined, { ids: moved(data.ids) });
}

function overloaded(): ServiceError {
  return new ServiceError("QUEUE_UNAVAILABLE", undefined, { retryAfter: 1 });
}
