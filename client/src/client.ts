import { auditLogOf, DeadLetters, Erasing, Jobs, Keys } from "./administration.ts";
import type {
  AuditLog,
  ShownAct,
  CountsAnswer,
  EventInput,
  EventTrace,
  FunnelAnswer,
  ListAnswer,
  MailAnswer,
  PathsAnswer,
  PublicEvent,
  QueryAnswer,
  RetentionAnswer,
  StoryAnswer,
  StoryEvent,
} from "./answers.ts";
import { Catalog } from "./catalog.ts";
import { Courier, maxBatchBytes, maxBatchEvents, type Refusal } from "./delivery.ts";
import {
  ConnectionError,
  ProblemError,
  SendError,
  type AnalyticsError,
  type Rejection,
} from "./errors.ts";
import { exported, type Export } from "./export.ts";
import type { ListenOptions } from "./event-stream.ts";
import { byteLength, Http, jsonCall, type AskOptions } from "./http.ts";
import { jsonText } from "./json.ts";
import { lived, streamed, type LiveItem, type StreamItem } from "./live.ts";
import { Outbox, type Loss, type OutboxOptions, type OutboxStats } from "./outbox.ts";
import { endWith } from "./page-life.ts";
import { pagesOf, type Pages } from "./pages.ts";
import {
  pathStep,
  queryString,
  type CountsQuestion,
  type ExportQuestion,
  type FunnelQuestion,
  type ListQuestion,
  type MailQuestion,
  type PathsQuestion,
  type QueryQuestion,
  type RetentionQuestion,
  type StoryQuestion,
  type StreamQuestion,
} from "./questions.ts";
import { SavedQuestions } from "./saved-questions.ts";
import { Quarantine, Schemas } from "./schemas.ts";
import { Counting, DataRetention } from "./upkeep.ts";
import { newId } from "./uuid.ts";
import { StayingAlive } from "./waiting.ts";

export interface ClientOptions extends OutboxOptions {
  /** The service's address: `https://analytics.example.com`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`; without one the service must be open. */
  readonly key?: string;
  /** The source of events that name none; `source` is required, here or in the event. */
  readonly source?: string;
  /** How long one answer may take; by default 30 s, `Infinity` for ever. */
  readonly timeoutMs?: number;
  /** How long to try to get events confirmed; by default five minutes, `Infinity` for ever. */
  readonly giveUpAfterMs?: number;
  /** How often a question is repeated after a passing error; by default twice. */
  readonly retries?: number;
  /** Whether large batches are compressed; by default where the service is not on this machine. */
  readonly gzip?: boolean;
  /**
   * Called with tracked events that will not be stored. Without it each loss is a line of
   * `console.warn`.
   */
  readonly onLoss?: (loss: Loss) => void;
  /** Called before each repetition of a batch, with its delay. */
  readonly onRetry?: (error: AnalyticsError, waitMs: number) => void;
  /**
   * How long a Node process that would end waits for tracked events; by default five seconds, 0 for
   * no such wait, `Infinity` until the outcome of each is known.
   */
  readonly exitWithinMs?: number;
  /** A `fetch` in place of the platform's. */
  readonly fetch?: typeof globalThis.fetch;
}

/** An event to send: the id, the timestamp and, where the client has one, the source may be missing. */
export type EventToSend = Omit<EventInput, "source" | "timestamp"> & {
  readonly source?: string;
  readonly timestamp?: string | number | Date | null;
};

/** The result of sending events. */
export interface Sent {
  /** The ids of all of them, in their order. */
  readonly ids: readonly string[];
  /** How many are durable and will be counted. */
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

const localHosts = ["localhost", "127.0.0.1", "[::1]"];

/** A client of the analytics service, for Node from 20.12 on and for browsers. */
export class AnalyticsClient {
  /** Questions under names. */
  readonly saved: SavedQuestions;
  /** Which types, properties and values there are. */
  readonly catalog: Catalog;
  /** Erases events and persons. */
  readonly erasing: Erasing;
  /** Keys of the project. */
  readonly keys: Keys;
  /** Batches that failed for good. */
  readonly deadLetters: DeadLetters;
  /** What events of a type are to look like. */
  readonly schemas: Schemas;
  /** Events that break their schema. */
  readonly quarantine: Quarantine;
  /** How long events and counts are kept. */
  readonly dataRetention: DataRetention;
  /** Compares counts with the events, and counts anew. */
  readonly counting: Counting;
  /** What was begun and goes on by itself. */
  readonly jobs: Jobs;
  readonly #http: Http;
  readonly #courier: Courier;
  readonly #outbox: Outbox;
  readonly #source: string | undefined;
  readonly #alive = new StayingAlive();
  readonly #forget: () => void;

  constructor(options: ClientOptions) {
    const { url, key, source, onRetry, fetch = globalThis.fetch } = options;
    const { timeoutMs = 30_000, retries = 2, giveUpAfterMs = 300_000 } = options;
    this.#http = new Http({ url, key, fetch, timeoutMs, retries });
    const gzip = options.gzip ?? !localHosts.includes(new URL(url).hostname);
    this.#courier = new Courier(this.#http, { giveUpAfterMs, gzip, onRetry });
    this.#outbox = new Outbox(this.#courier, outboxOptions(options), options.onLoss ?? warn);
    this.#source = source;
    this.saved = new SavedQuestions(this.#http);
    this.catalog = new Catalog(this.#http);
    this.erasing = new Erasing(this.#http);
    this.keys = new Keys(this.#http);
    this.deadLetters = new DeadLetters(this.#http);
    this.schemas = new Schemas(this.#http);
    this.quarantine = new Quarantine(this.#http);
    this.dataRetention = new DataRetention(this.#http);
    this.counting = new Counting(this.#http);
    this.jobs = new Jobs(this.#http);
    this.#forget = endWith(this.#outbox, this.#http, options.exitWithinMs ?? 5_000);
  }

  /**
   * Takes an event and returns at once: it leaves with the next batch. Its timestamp is now, unless
   * it has one.
   * @returns its id
   * @throws TypeError where it has no source, or JSON cannot carry it: a number that is not finite,
   *   an invalid Date, a BigInt, an object that contains itself
   */
  track(event: EventToSend): string {
    const { id, json } = this.#written(event, Date.now());
    this.#outbox.add(json);
    return id;
  }

  /**
   * Sends events and waits until the service has made them durable. Any number; they go in batches,
   * one after the other.
   * @returns the result; a refused event costs none of the others
   * @throws SendError with the unconfirmed events, to be sent again as they are, and the refused
   *   ones; the signal's reason; TypeError as `track`, before any is sent
   */
  async send(events: EventToSend | readonly EventToSend[], ask: AskOptions = {}): Promise<Sent> {
    const list = isList(events) ? events : [events];
    const now = Date.now();
    const written = list.map((event) => this.#written(event, now));
    const rejected: Rejection[] = [];
    let accepted = 0;
    let from = 0;
    return this.#alive.while(async () => {
      for (const batch of batchesOf(written)) {
        const lines = batch.map(({ json }) => json);
        const delivery = await this.#courier.deliver(lines, { signal: ask.signal });
        accepted += delivery.accepted;
        rejected.push(...delivery.rejected.map((one) => placed(one, batch, from)));
        const { failure } = delivery;
        if (failure !== undefined) {
          const left = written.slice(from + failure.from);
          const events = left.map(({ json }) => JSON.parse(json) as Unconfirmed);
          throw new SendError(events, { accepted, rejected }, failure.cause);
        }
        from += batch.length;
      }
      return { ids: written.map(({ id }) => id), accepted, rejected };
    });
  }

  /** Resolves when the outcome of every event that was tracked so far is known. */
  async flush({ signal }: AskOptions = {}): Promise<void> {
    await this.#outbox.flush(signal);
  }

  /**
   * Sends the tracked events and takes no more. Events that are not confirmed by then are lost and
   * reported.
   * @param withinMs by default ten seconds; `Infinity`: until the outcome of each is known
   */
  async close({ withinMs = 10_000 }: { readonly withinMs?: number } = {}): Promise<void> {
    this.#forget();
    await this.#outbox.close(withinMs);
  }

  /** The outcomes of tracked events so far. */
  get stats(): OutboxStats {
    return this.#outbox.stats;
  }

  /** `POST /api/v1/query`: metrics by properties and time. */
  async query(question: QueryQuestion, ask?: AskOptions): Promise<QueryAnswer> {
    return this.#post("/api/v1/query", question, ask);
  }

  /** How many users get from step to step of a funnel. */
  async funnel(question: FunnelQuestion, ask?: AskOptions): Promise<FunnelAnswer> {
    return this.#post("/api/v1/query/funnel", question, ask);
  }

  /** Which users come back: retention. */
  async retention(question: RetentionQuestion, ask?: AskOptions): Promise<RetentionAnswer> {
    return this.#post("/api/v1/query/retention", question, ask);
  }

  /** Which events follow an event: paths. */
  async paths(question: PathsQuestion, ask?: AskOptions): Promise<PathsAnswer> {
    return this.#post("/api/v1/query/paths", question, ask);
  }

  /** Counts by type, as series where there is an interval. */
  async counts(question: CountsQuestion = {}, ask?: AskOptions): Promise<CountsAnswer> {
    return this.#get("/api/v1/events/counts", question, ask);
  }

  /** What became of mails. */
  async mailReport(question: MailQuestion = {}, ask?: AskOptions): Promise<MailAnswer> {
    return this.#get("/api/v1/reports/mail", question, ask);
  }

  /** All events that meet a filter, fetched page by page during the iteration. */
  events(
    question: ListQuestion = {},
    ask?: AskOptions,
  ): Pages<ListAnswer, ListAnswer["data"][number]> {
    return pagesOf((cursor) =>
      this.#get<ListAnswer>("/api/v1/events", { ...question, ...(cursor && { cursor }) }, ask),
    );
  }

  /** One event; `undefined` where none has this id. */
  async event(id: string, ask?: AskOptions): Promise<PublicEvent | undefined> {
    try {
      return await this.#get(`/api/v1/events/${pathStep(id)}`, {}, ask);
    } catch (error) {
      if (error instanceof ProblemError && error.kind === "not-found") return undefined;
      throw error;
    }
  }

  /** Where an event is, also before it is stored: counted, in quarantine, in a dead letter, erased, or not known. */
  async trace(id: string, ask?: AskOptions): Promise<EventTrace> {
    return this.#get(`/api/v1/events/${pathStep(id)}/trace`, {}, ask);
  }

  /** All events under one correlation id, in order, with the times between them. */
  story(
    correlationId: string,
    question: StoryQuestion = {},
    ask?: AskOptions,
  ): Pages<StoryAnswer, StoryEvent> {
    const path = `/api/v1/stories/${pathStep(correlationId)}`;
    return pagesOf((cursor) =>
      this.#get<StoryAnswer>(path, { ...question, ...(cursor && { cursor }) }, ask),
    );
  }

  /**
   * All events that meet a filter, in one stream, at the caller's pace. A stream that ends without
   * an error is whole.
   * @param format `ndjson` by default; CSV is for reading its `text()`
   */
  async export(
    question: ExportQuestion & { readonly format?: "ndjson" | "csv"; readonly bom?: boolean } = {},
    ask: AskOptions = {},
  ): Promise<Export> {
    return exported(this.#http, `/api/v1/events/export${queryString(question)}`, ask.signal);
  }

  /**
   * Events as they are stored, for as long as the caller iterates. It reconnects automatically, and
   * reports any gap.
   */
  stream(question: StreamQuestion = {}, options?: ListenOptions): AsyncIterable<StreamItem> {
    return streamed(this.#http, `/api/v1/events/stream${queryString(question)}`, options);
  }

  /**
   * The numbers of each second: first the past minute, then events by type, active users and the
   * pipeline's stages.
   */
  live(options?: ListenOptions): AsyncIterable<LiveItem> {
    return lived(this.#http, options);
  }

  /**
   * The administrative acts, the newest first, fetched page by page during the iteration. Needs the
   * scope `admin`.
   */
  auditLog(
    question: { readonly limit?: number } = {},
    ask?: AskOptions,
  ): Pages<AuditLog, ShownAct> {
    return auditLogOf(this.#http, question, ask);
  }

  async #get<T>(path: string, question: object, ask: AskOptions = {}): Promise<T> {
    const call = { path: `${path}${queryString(question)}`, signal: ask.signal };
    return (await this.#http.read<T>(call)).body;
  }

  async #post<T>(path: string, question: object, ask: AskOptions = {}): Promise<T> {
    const call = jsonCall("POST", path, question, ask.signal);
    return (await this.#http.read<T>(call)).body;
  }

  /** The event in the form in which every attempt sends it: with its id and its instant. */
  #written(event: EventToSend, now: number): Written {
    const id = event.id ?? newId();
    const source = event.source ?? this.#source;
    if (source === undefined) throw new TypeError("an event has a source, or its client has one");
    const json = jsonText({ ...event, id, source, timestamp: event.timestamp ?? now });
    return { id, json };
  }
}

type Unconfirmed = SendError["events"][number];

interface Written {
  readonly id: string;
  readonly json: string;
}

/** Splits events into batches of as many as one request may hold. */
function* batchesOf(written: readonly Written[]): Generator<readonly Written[], void> {
  let batch: Written[] = [];
  let bytes = 0;
  for (const one of written) {
    const size = byteLength(one.json) + 1;
    if (batch.length === maxBatchEvents || (batch.length > 0 && bytes + size > maxBatchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function placed({ index, error }: Refusal, batch: readonly Written[], from: number): Rejection {
  return { index: from + index, id: batch[index]!.id, error };
}

function isList(events: EventToSend | readonly EventToSend[]): events is readonly EventToSend[] {
  return Array.isArray(events);
}

function outboxOptions(options: ClientOptions): OutboxOptions {
  const { batchEvents, batchBytes, batchWaitMs, batchesAtOnce } = options;
  const { queueEvents, queueBytes, overflow } = options;
  const batches = { batchEvents, batchBytes, batchWaitMs, batchesAtOnce };
  return { ...batches, queueEvents, queueBytes, overflow };
}

/** Warns that events are lost, and why; never shows their content. */
function warn({ reason, events, error, cause }: Loss): void {
  const why =
    error?.errors.map(({ pointer, message }) => `${pointer} ${message}`).join("; ") ??
    (cause instanceof ConnectionError || cause instanceof ProblemError ? cause.message : "");
  console.warn(`analytics: ${events.length} tracked events are lost (${reason}) ${why}`.trimEnd());
}
