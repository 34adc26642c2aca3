import type { FoldJob, FoldKind } from "../questions/folds.ts";
import { ServiceError } from "../errors.ts";
import type { EventText } from "../event/event-text.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import type { FairLanes } from "../concurrency/fair-lanes.ts";
import type { AnswersUnderWay } from "../concurrency/answers-under-way.ts";
import { closedRange } from "./closed-range.ts";
import { eventsOf, readRollups } from "./rollup-reads.ts";
import { clock } from "../store/deadline.ts";
import { scansAlongTime, scansEvents } from "../store/scanning.ts";
import type { SampleJob, SampleKind } from "../questions/catalog/samples.ts";
import type { Analyzed, EventStore, Sampled, SampleFilter } from "../store/store.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { Marks } from "../counting/cover.ts";
import type { Losses } from "./losses.ts";
import type { EventPage, EventTextPage, PageEnd, PageLimits } from "../event/event-page.ts";
import type { EventReads } from "./source.ts";

/** What reads may take together, in one process. */
export interface Budget {
  /** How many events one may be expected to read, by the rollups, before anything is read. */
  readonly maxEvents: number;
  /** How long one may read, without waiting for its turn. */
  readonly timeoutMs: number;
  /** The most bytes of a page, as JSON. */
  readonly maxPageBytes: number;
  /** Where whatever scans events waits for its turn, by project. */
  readonly lanes: FairLanes;
  /** Where pages of events wait that are found at once: so few are in memory at a time. */
  readonly pages: FairLanes;
  /** Counts what pages hold while they are made, and refuses to make one where too much is held. */
  readonly answers: Pick<AnswersUnderWay, "make">;
}

interface Circumstances {
  readonly store: EventStore;
  readonly project: ProjectId;
  readonly budget: Budget;
  /** Aborted when the caller has left. */
  readonly signal?: AbortSignal;
  /** What was dropped of the project, where anything was. */
  readonly losses?: Losses | undefined;
}

/** How long a page is looked for before others have their turn. */
const sliceMs = 1_000;

/**
 * The store as one caller reads it: a project's events, within the budget, until the caller leaves.
 * Reads that have to look at events which may not be wanted take turns; what is found by an index,
 * or is answered from rollups, does not wait.
 */
export class Reading implements EventReads {
  readonly #circumstances: Circumstances;
  readonly #store: EventStore;
  readonly #project: ProjectId;
  readonly #budget: Budget;
  readonly #signal: AbortSignal | undefined;
  readonly #losses: Losses | undefined;
  readonly deltaSums: EventReads["deltaSums"];

  constructor(circumstances: Circumstances) {
    const { store, project, budget, signal, losses } = circumstances;
    this.#circumstances = circumstances;
    this.#store = store;
    this.#project = project;
    this.#budget = budget;
    this.#signal = signal;
    this.#losses = losses;
    this.deltaSums = store.deltaSums.bind(store);
  }

  get lost(): Range | undefined {
    return this.#losses?.range;
  }

  async marks(project: ProjectId, range: Range): Promise<Marks> {
    const marks = await this.#store.marks(project, range);
    return this.#losses?.open(marks) ?? marks;
  }

  rollups: EventReads["rollups"] = (project, grain, ranges, section) => {
    this.#losses?.readsRollups(grain, ranges);
    return this.#store.rollups(project, grain, ranges, section);
  };

  /**
   * Before anything is worked out for a read that scans events: whether there is room for it.
   * @throws ServiceError TOO_MANY_REQUESTS
   */
  checkTurn(): void {
    this.#budget.lanes.check(this.#project);
  }

  /** A few events that an index leads to. */
  events(query: EventQuery): Promise<readonly StoredEvent[]> {
    this.#signal?.throwIfAborted();
    return this.#store.events(query);
  }

  /**
   * A page of events. It may end early, after so many bytes or so long a time, and then says where
   * to go on.
   * @throws ServiceError TOO_MANY_REQUESTS where too many of the project's reads wait already;
   * QUERY_TOO_EXPENSIVE as the store's `page`
   */
  page(query: EventQuery): Promise<EventPage> {
    this.#losses?.readsEvents(query);
    if (scansEvents(query)) return this.#scannedPage(query);
    const { pages, maxPageBytes: maxBytes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    const read = () => this.#made(query, { maxBytes, timeoutMs, signal });
    return pages.run(this.#project, read, { signal });
  }

  #made(query: EventQuery, limits: PageLimits): Promise<EventPage> {
    const { answers } = this.#budget;
    return answers.make(this.#project, limits.maxBytes, () => this.#store.page(query, limits));
  }

  async #scannedPage(query: EventQuery): Promise<EventPage> {
    const { timeoutMs, maxPageBytes } = this.#budget;
    const isOver = clock(timeoutMs);
    const events: StoredEvent[] = [];
    let sizeBytes = 0;
    let { after } = query;
    for (;;) {
      const rest = { ...query, after, limit: query.limit - events.length };
      const found = await this.#slice(rest, maxPageBytes - sizeBytes, after !== query.after);
      events.push(...found.events);
      sizeBytes += found.sizeBytes;
      if (found.endedBy !== "time" || isOver()) return { ...endOf(found), events, sizeBytes };
      after = found.next;
    }
  }

  /** One that has to wait too long before it goes on ends there. */
  async #slice(query: EventQuery, maxBytes: number, goesOn: boolean): Promise<EventPage> {
    const timeoutMs = scansAlongTime(query) ? sliceMs : this.#budget.timeoutMs;
    const signal = this.#signal;
    const read = () => this.#made(query, { maxBytes, timeoutMs, signal });
    try {
      return await this.#budget.lanes.run(this.#project, read, { signal, goesOn });
    } catch (error) {
      const isBusy = (error as { type?: unknown } | null)?.type === "TOO_MANY_REQUESTS";
      if (!goesOn || !isBusy) throw error;
      return { events: [], sizeBytes: 0, next: query.after!, endedBy: "time" };
    }
  }

  /**
   * A part of an export, of a second's work at most; perhaps empty, and then there may be more all
   * the same.
   * @throws ServiceError as `page`; what was begun before is not refused for others that wait
   */
  eventsText(query: EventQuery, text: EventText, maxBytes: number): Promise<EventTextPage> {
    const { lanes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    const limits = {
      maxBytes,
      timeoutMs: scansAlongTime(query) ? sliceMs : timeoutMs,
      signal,
    };
    const read = () => this.#store.eventsText(query, text, limits);
    return lanes.run(this.#project, read, { signal, goesOn: query.after !== undefined });
  }

  /**
   * How many events meet a filter: by the rollups where it names types and a range alone.
   * @throws ServiceError as `analyze`
   */
  async countEvents(filter: EventFilter): Promise<number> {
    const { types, from, to } = filter;
    if (!scansEvents(filter) && filter.userId === undefined && filter.correlationId === undefined) {
      return this.#counted({ types, from, to });
    }
    const { timeoutMs } = this.#budget;
    const signal = this.#signal;
    const read = () => this.#store.countEvents(filter, { timeoutMs, signal });
    if (!scansEvents(filter)) return read();
    await this.#affordable(filter);
    return this.#budget.lanes.run(this.#project, read, { signal });
  }

  /**
   * Fold events of the project, when it is its turn.
   * @returns also how many events were expected: those of the filter's types and range
   * @throws ServiceError QUERY_TOO_EXPENSIVE before anything is read where too many are expected,
   * or when it takes too long; TOO_MANY_REQUESTS where too many of the project's reads wait
   */
  async analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }> {
    const { lanes, timeoutMs } = this.#budget;
    this.#losses?.readsEvents(filter);
    const estimate = await this.#affordable(filter);
    const signal = this.#signal;
    const read = () => this.#store.analyze(filter, job, { timeoutMs, signal });
    const found = await lanes.run(this.#project, read, { signal });
    return { ...found, estimate };
  }

  /**
   * Look at the newest events of the project, when it is its turn.
   * @throws ServiceError TOO_MANY_REQUESTS where too many of the project's reads wait
   */
  sample<K extends SampleKind>(filter: SampleFilter, job: SampleJob<K>): Promise<Sampled<K>> {
    const { lanes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    this.#losses?.readsEvents(filter);
    const read = () => this.#store.sample(filter, job, { timeoutMs, signal });
    return lanes.run(this.#project, read, { signal });
  }

  /** @returns how many events are expected */
  async #affordable({ types, from, to }: EventFilter): Promise<number> {
    const { maxEvents } = this.#budget;
    this.checkTurn();
    const estimate = await this.#counted({ types, from, to });
    if (estimate <= maxEvents) return estimate;
    const message = `about ${estimate} events would be read, and at most ${maxEvents} are: ask of a shorter range or of fewer types`;
    throw new ServiceError("QUERY_TOO_EXPENSIVE", message, {
      errors: [{ pointer: "/range", code: "too_many_events", message }],
    });
  }

  /** Of the events that are there: rollups count also what was dropped. */
  async #counted(of: Pick<EventFilter, "types" | "from" | "to">): Promise<number> {
    // Looking is no part of the answer.
    const store = new Reading({ ...this.#circumstances, losses: undefined });
    const asking = { store, project: this.#project };
    const asked = await closedRange(asking, of, of.types);
    const from = this.#losses?.wholeFrom(of.types) ?? -Infinity;
    const range = asked && { ...asked, from: Math.max(asked.from, from) };
    if (range === undefined || range.from >= range.to) return 0;
    const rollups = await readRollups(asking, range);
    let total = 0;
    for await (const { row } of rollups.rows("types")) {
      total += eventsOf(row, of.types);
    }
    return total;
  }
}

function endOf({ next, endedBy }: PageEnd): Pick<PageEnd, "next" | "endedBy"> {
  return { ...(next !== undefined && { next }), ...(endedBy !== undefined && { endedBy }) };
}
