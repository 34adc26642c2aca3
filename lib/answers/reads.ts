import { divisionOf, type FoldJob, type FoldKind } from "../questions/folds.ts";
import type { EventText } from "../event/event-text.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import { closedRange } from "./range.ts";
import { eventsOf, readRollups, type EventReads } from "./rollup-reads.ts";
import { grainMs, type Grain } from "../counting/bucket.ts";
import { builtInDimensions } from "../counting/dimensions.ts";
import { clock } from "../store/time-limit.ts";
import { scansAlongTime, scansEvents } from "../store/scanning.ts";
import type { SampleJob, SampleKind } from "../questions/catalog/samples.ts";
import type { Analyzed, EventStore, Sampled, SampleFilter, ReadCost } from "../store/store.ts";
import type { EventFilter, EventQuery, Range } from "../event/filter.ts";
import type { Marks } from "../counting/cover.ts";
import type { PropertyPath } from "../event/property-path.ts";
import { hiddenOf, type HiddenEvents } from "../store/hidden.ts";
import type { ListedPage } from "../store/listed.ts";
import { goneOf } from "../store/retention.ts";
import { Losses } from "./losses.ts";
import type {
  EventPage,
  EventTextPage,
  PageEnd,
  PageLimits,
  ReadLimits,
} from "../event/event-page.ts";
import { foldDivided, maxEventsOfShare, type FoldingNode } from "./division.ts";
import { bounded, kindOf, tooExpensive, type Budget } from "./budget.ts";

interface ReadingOptions {
  readonly store: EventStore;
  readonly project: ProjectId;
  readonly budget: Budget;
  /** Aborted when the caller has left. */
  readonly signal?: AbortSignal;
  /** The project's data that retention has dropped; absent where nothing was dropped. */
  readonly losses?: Losses | undefined;
  /** The events that open erasures hide. Where absent, they are looked up before the first read. */
  readonly hidden?: Hidden;
  /** The nodes that may fold a question; absent: the store alone folds it. */
  readonly nodes?: NodesOf | undefined;
}

/** The events that open erasures of a project hide; `none`: no erasure was open at the look-up. */
export type Hidden = HiddenEvents | "none";

/** Finds the nodes that can fold parts of a question now: this one and others. */
export type NodesOf = (filter: EventFilter, job: FoldJob) => Nodes;

interface Nodes {
  readonly own: FoldingNode;
  readonly others: readonly FoldingNode[];
}

/**
 * A question is refused before it begins only where its estimate exceeds the time limit by this
 * factor. Estimates can be too high: earlier questions may have had to fetch data that is cached
 * now, or may have run on a busy machine.
 */
const doubt = 3;

/** How long one slice of a page's search may take before other reads have their turn. */
const sliceMs = 1_000;

/**
 * Reads a project's events for one caller, within the budget, until the caller leaves. Reads that
 * may have to scan unwanted events take turns; reads by an index or from rollups do not wait. What
 * an open erasure removes is left out of everything that is read from events, and counts of it are
 * noted (`isErasing`).
 */
export class BudgetedReads implements EventReads {
  readonly #options: ReadingOptions;
  readonly #store: EventStore;
  readonly #project: ProjectId;
  readonly #budget: Budget;
  readonly #signal: AbortSignal | undefined;
  readonly #losses: Losses | undefined;
  #hidden: Promise<Hidden> | undefined;
  #isErasing = false;

  constructor(options: ReadingOptions) {
    const { store, project, budget, signal, losses, hidden } = options;
    this.#options = options;
    this.#store = store;
    this.#project = project;
    this.#budget = budget;
    this.#signal = signal;
    this.#losses = losses;
    this.#hidden = hidden && Promise.resolve(hidden);
  }

  /** Whether the answer needed counts that may still hold what an open erasure removes. */
  get isErasing(): boolean {
    return this.#isErasing;
  }

  /** Looks up the hidden events; every read calls this first. */
  async #hiding(): Promise<HiddenEvents | undefined> {
    const hidden = await (this.#hidden ??= hiddenOf(this.#store, this.#project).then(
      (found) => found ?? "none",
    ));
    if (hidden === "none") return undefined;
    if (hidden.mayHideMore) this.#isErasing = true;
    return hidden;
  }

  /** Narrows the caller's filter to the events that are not hidden. */
  async #shown<Filter extends Pick<EventFilter, "where">>(filter: Filter): Promise<Filter> {
    const hidden = await this.#hiding();
    return hidden === undefined ? filter : hidden.narrowed(filter);
  }

  /** Notes that counts of some ranges are read. */
  async #counts(ranges: readonly Range[]): Promise<void> {
    if ((await this.#hiding())?.isCountedIn(ranges) === true) this.#isErasing = true;
  }

  lost(types?: readonly string[]): Range | undefined {
    return this.#losses?.rangeOf(types);
  }

  hasDropped(grain: Grain, range: Range): boolean {
    return this.#losses?.hasDropped(grain, range) ?? false;
  }

  async marks(project: ProjectId, range: Range): Promise<Marks> {
    const marks = await this.#store.marks(project, range);
    return this.#losses?.open(marks) ?? marks;
  }

  rollups: EventReads["rollups"] = async (project, grain, ranges, section) => {
    this.#losses?.readsRollups(grain, ranges);
    await this.#counts(ranges);
    return this.#summed(() => this.#store.rollups(project, grain, ranges, section));
  };

  deltaSums: EventReads["deltaSums"] = async (project, minutes, section) => {
    await this.#counts(minutes.map((from) => ({ from, to: from + grainMs.minute })));
    return this.#summed(() => this.#store.deltaSums(project, minutes, section));
  };

  /** Reads counts when its turn comes. @throws ServiceError TOO_MANY_REQUESTS */
  #summed<T>(read: () => Promise<T>): Promise<T> {
    return this.#budget.sums.run(this.#project, read, { signal: this.#signal });
  }

  /**
   * Checks that there is room for a read that scans events, before any work is done for it.
   * @throws ServiceError TOO_MANY_REQUESTS
   */
  checkTurn(): void {
    this.#budget.lanes.check(this.#project);
  }

  /** Returns a few events that an index leads to. */
  async events(query: EventQuery): Promise<readonly StoredEvent[]> {
    this.#signal?.throwIfAborted();
    return this.#store.events(await this.#shown(query));
  }

  /**
   * Returns a page of events. A page may end before its limit, at a number of bytes or after some
   * time; it then holds the position where the next page continues.
   * @throws ServiceError TOO_MANY_REQUESTS where too many of the project's reads wait;
   *   QUERY_TOO_EXPENSIVE as the store's `page`
   */
  page(query: EventQuery): Promise<EventPage> {
    this.#losses?.readsEvents(query);
    if (scansEvents(query)) return this.#scannedPage(query);
    return this.#inTurn((limits) => this.#made(query, limits));
  }

  /**
   * Returns what the answer to a list needs, read at once and written already, where the store can
   * do that and no erasure hides anything; else `undefined`, and `page` is to be read.
   * @throws ServiceError as `page`
   */
  async listed(
    query: EventQuery,
    fields: readonly PropertyPath[] | undefined,
  ): Promise<ListedPage | undefined> {
    const { answers } = this.#budget;
    if (this.#store.list === undefined || scansEvents(query)) return undefined;
    return this.#inTurn((limits) =>
      answers.make(this.#project, limits.maxBytes, async () =>
        this.#store.list!(query, fields, limits),
      ),
    );
  }

  /** Reads a page that an index leads to when its turn comes. */
  #inTurn<T>(read: (limits: PageLimits) => Promise<T>): Promise<T> {
    const { pages, maxPageBytes: maxBytes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    return pages.run(this.#project, () => read({ maxBytes, timeoutMs, signal }), { signal });
  }

  #made(query: EventQuery, limits: PageLimits): Promise<EventPage> {
    const { answers } = this.#budget;
    return answers.make(this.#project, limits.maxBytes, async () =>
      this.#store.page(await this.#shown(query), limits),
    );
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

  /** Searches one slice of a page. A page whose next slice would wait too long ends early. */
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
   * Returns a part of an export, of one second's work at most. The part may be empty while more
   * follow.
   * @throws ServiceError as `page`; an export that was begun is not refused because others wait
   */
  eventsText(query: EventQuery, text: EventText, maxBytes: number): Promise<EventTextPage> {
    const { lanes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    const limits = {
      maxBytes,
      timeoutMs: scansAlongTime(query) ? sliceMs : timeoutMs,
      signal,
    };
    const read = async () => this.#store.eventsText(await this.#shown(query), text, limits);
    return lanes.run(this.#project, read, { signal, goesOn: query.after !== undefined });
  }

  /**
   * Counts the stored events that meet a filter; from the rollups where the filter names only types
   * and a range, unless the rollups sum such a type under `(other)`, or retention has dropped some
   * of what they count or them.
   * @throws ServiceError as `analyze`
   */
  async countEvents(filter: EventFilter): Promise<number> {
    const { timeoutMs } = this.#budget;
    const signal = this.#signal;
    const read = async (some: EventFilter) =>
      this.#store.countEvents(await this.#shown(some), { timeoutMs, signal });
    if (scansEvents(filter)) {
      await this.#affordable(filter);
      return this.#budget.lanes.run(this.#project, () => read(filter), { signal });
    }
    if (filter.userId !== undefined || filter.correlationId !== undefined) return read(filter);
    const { types, from = -Infinity, to = Infinity } = filter;
    const gone = await goneOf(this.#store, this.#project);
    const since = (gone && new Losses(gone).countedFrom(types)) ?? -Infinity;
    if (to <= since) return read(filter);
    const whole = from >= since ? filter : { ...filter, from: since };
    const { atMost, isExact } = await this.#counted(whole, this);
    if (!isExact) return read(filter);
    return whole === filter ? atMost : atMost + (await read({ ...filter, to: since }));
  }

  /**
   * Folds the project's events when its turn comes.
   * @returns also the expected number of events: those of the filter's types and range
   * @throws ServiceError QUERY_TOO_EXPENSIVE before reading where too many events are expected, or
   *   when reading takes too long; TOO_MANY_REQUESTS where too many of the project's reads wait
   */
  async analyze<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }> {
    const { lanes, timeoutMs } = this.#budget;
    this.#losses?.readsEvents(filter);
    const estimate = await this.#affordable(filter, job);
    const shown = await this.#shown(filter);
    const nodes = this.#nodesFor(shown, job, estimate);
    const count = 1 + (nodes?.others.length ?? 0);
    const kind = kindOf(filter, job);
    const expectedMs = this.#budget.pace.expected(kind, estimate, count);
    if (expectedMs > doubt * timeoutMs) {
      const bound = `which takes ${Math.ceil(expectedMs)} ms at least, by the questions before; at most ${timeoutMs} ms are given`;
      throw tooExpensive("too_long", estimate, bound, await this.cost(filter, job));
    }
    const signal = this.#signal;
    const read = async () => {
      const begunAt = performance.now();
      let isWhole = false;
      try {
        const found = await this.#analyzed(shown, job, { timeoutMs, signal }, nodes);
        isWhole = true;
        return found;
      } finally {
        const ms = performance.now() - begunAt;
        if (isWhole || ms >= timeoutMs) this.#budget.pace.note(kind, estimate, ms, count, isWhole);
      }
    };
    const found = await lanes.run(this.#project, read, { signal });
    return { ...found, estimate };
  }

  /** The nodes that fold the events; `undefined` where the store folds them alone. */
  #nodesFor(filter: EventFilter, job: FoldJob, estimate: number): Nodes | undefined {
    if (this.#store.parts === undefined || estimate < this.#budget.shareEvents) return undefined;
    const nodes = this.#options.nodes?.(filter, job);
    if (nodes === undefined || nodes.others.length > 0) return nodes;
    // One fold cannot hold the users of more events, so a single node folds share by share.
    return divisionOf(job) === "shares" && estimate > maxEventsOfShare ? nodes : undefined;
  }

  async #analyzed<K extends FoldKind>(
    filter: EventFilter,
    job: FoldJob<K>,
    limits: ReadLimits,
    nodes: Nodes | undefined,
  ): Promise<Analyzed<K>> {
    const manifest = nodes && (await this.#store.parts?.manifest(filter));
    if (manifest === undefined) return this.#store.analyze(filter, job, limits);
    return bounded(() => foldDivided(job, { manifest, ...nodes!, limits }));
  }

  /** Estimates what `analyze` fetches for a question. */
  async cost(filter: EventFilter, job: FoldJob): Promise<ReadCost | undefined> {
    return this.#store.cost(await this.#shown(filter), job);
  }

  /**
   * Samples the project's newest events when its turn comes.
   * @throws ServiceError TOO_MANY_REQUESTS where too many of the project's reads wait
   */
  sample<K extends SampleKind>(filter: SampleFilter, job: SampleJob<K>): Promise<Sampled<K>> {
    const { lanes, timeoutMs } = this.#budget;
    const signal = this.#signal;
    this.#losses?.readsEvents(filter);
    const read = async () =>
      this.#store.sample(await this.#shown(filter), job, { timeoutMs, signal });
    return lanes.run(this.#project, read, { signal });
  }

  /**
   * Checks the estimate against the budget.
   * @returns how many events are expected
   */
  async #affordable(filter: EventFilter, job?: FoldJob): Promise<number> {
    const { maxEvents } = this.#budget;
    const { types, from, to } = filter;
    this.checkTurn();
    const { atMost: estimate } = await this.#counted({ types, from, to });
    if (estimate <= maxEvents) return estimate;
    const bound = `and at most ${maxEvents} are`;
    throw tooExpensive("too_many_events", estimate, bound, job && (await this.cost(filter, job)));
  }

  /**
   * Counts only the events that are still stored: rollups also count dropped ones.
   * @returns an upper bound, and whether it is exact, as it is where no rollup has `(other)`
   */
  async #counted(
    of: Pick<EventFilter, "types" | "from" | "to">,
    // An estimate is not part of the answer, so its reads do not count as losses or as erasing.
    store = new BudgetedReads({ ...this.#options, losses: undefined, hidden: "none" }),
  ): Promise<{ readonly atMost: number; readonly isExact: boolean }> {
    const reads = { store, project: this.#project };
    const whole = await closedRange(reads, of, of.types);
    const from = this.#losses?.wholeFrom(of.types) ?? -Infinity;
    const range = whole && { ...whole, from: Math.max(whole.from, from) };
    if (range === undefined || range.from >= range.to) return { atMost: 0, isExact: true };
    const rollups = await readRollups(reads, range);
    let atMost = 0;
    let isCut = false;
    for await (const { row } of rollups.rows("types")) {
      atMost += eventsOf(row, of.types);
      isCut ||= !row.exact;
    }
    return { atMost, isExact: of.types === undefined || !isCut };
  }
}

function endOf({ next, endedBy }: PageEnd): Pick<PageEnd, "next" | "endedBy"> {
  return { ...(next !== undefined && { next }), ...(endedBy !== undefined && { endedBy }) };
}

/** The reads for one question: its project, its store within the budget, and the rolled-up dimensions. */
export class QuestionReads {
  readonly store: BudgetedReads;
  readonly project: ProjectId;
  /**
   * The dimensions that are answered from rollups. While an erasure is open these are the built-in
   * ones: the values of others may name persons, and rollups still have them.
   */
  readonly rolledUp: readonly string[];

  /** @param rolledUp the dimensions that rollups have */
  constructor({ rolledUp, ...options }: ReadingOptions & Pick<QuestionReads, "rolledUp">) {
    this.store = new BudgetedReads(options);
    this.project = options.project;
    const { hidden = "none" } = options;
    this.rolledUp = hidden === "none" ? rolledUp : rolledUp.filter(isBuiltIn);
  }

  /** `BudgetedReads.analyze` for the project's events. */
  analyze<K extends FoldKind>(
    filter: Omit<EventFilter, "project">,
    job: FoldJob<K>,
  ): Promise<Analyzed<K> & { readonly estimate: number }> {
    return this.store.analyze({ ...filter, project: this.project }, job);
  }

  /** `BudgetedReads.cost` for the project's events. */
  cost(filter: Omit<EventFilter, "project">, job: FoldJob): Promise<ReadCost | undefined> {
    return this.store.cost({ ...filter, project: this.project }, job);
  }

  /** `BudgetedReads.sample` for the project's events. */
  sample<K extends SampleKind>(
    filter: Omit<SampleFilter, "project">,
    job: SampleJob<K>,
  ): Promise<Sampled<K>> {
    return this.store.sample({ ...filter, project: this.project }, job);
  }
}

function isBuiltIn(dimension: string): boolean {
  return (builtInDimensions as readonly string[]).includes(dimension);
}
