import type { EventFilter, OpenRange, Predicate, Range, Scalar } from "../event/filter.ts";
import { meets } from "../event/filter.ts";
import type { ProjectId, StoredEvent } from "../event/event.ts";
import type { PropertyPath } from "../event/property-path.ts";
import type { ErasureState } from "./erasure-job.ts";
import { stateOf, type JobState } from "./job-progress.ts";
import { everyOpenJob, type JobStore, type KeptJob } from "./jobs.ts";

/**
 * Up to this many persons, each has the instant of their own request in the condition. With more,
 * all share the latest instant, since a condition for each person would make every read slow.
 */
const personsApart = 20;

/** An open erasure, and the events that it is about. */
type Open = Pick<ErasureState, "erasure" | "createdAt" | "held" | "reusable">;

/**
 * The events that open erasures of a project remove. From the moment an erasure is acknowledged no
 * answer shows them, whether or not they are still stored (docs/protocol.md).
 */
export class HiddenEvents {
  /** Names the open erasures: an answer that was made under others must not be given. */
  readonly key: string;
  /**
   * Whether it may hide more events than the erasures remove: events of a person that came after
   * that person's request.
   */
  readonly mayHideMore: boolean;
  readonly #predicate: Predicate;
  readonly #ranges: readonly OpenRange[];
  readonly #open: readonly Open[];

  constructor(jobs: readonly KeptJob[]) {
    const open = jobs.map((job) => stateOf<ErasureState>(job));
    this.key = jobs.map(({ id }) => id).join();
    this.mayHideMore = personsOf(open).size > personsApart;
    this.#predicate = removedBy(open);
    this.#ranges = open.map(rangeOf);
    this.#open = open;
  }

  hides(event: Partial<StoredEvent>): boolean {
    return meets(event, this.#predicate);
  }

  /** When the erasure of an event was requested; `undefined` for an event that is shown. */
  erasedAt(event: Partial<StoredEvent>): number | undefined {
    if (!this.hides(event)) return undefined;
    const own = this.#about(event);
    const requests = own.length === 0 ? this.#open : own;
    return Math.min(...requests.map(({ createdAt }) => createdAt));
  }

  /** Whether the erasures of an event let later events have its id. */
  frees(event: Partial<StoredEvent>): boolean {
    const own = this.#about(event);
    return own.length > 0 && own.every(({ reusable }) => reusable);
  }

  #about(event: Partial<StoredEvent>): readonly Open[] {
    return this.#open.filter((one) => meets(event, removedBy([one])));
  }

  /** Narrows a filter to the events that may be shown. */
  narrowed<Filter extends { readonly where?: readonly Predicate[] }>(filter: Filter): Filter {
    const shown: Predicate = { op: "not", of: this.#predicate };
    return { ...filter, where: [...(filter.where ?? []), shown] };
  }

  /** The events of a project as a predicate over the events of all projects. */
  ofProject(project: ProjectId): Predicate {
    const own = { path: ["project"], op: "is", values: [project] } as const;
    return { op: "and", of: [own, this.#predicate] };
  }

  /** Whether rollups of some ranges may still count such events. */
  isCountedIn(ranges: readonly Range[]): boolean {
    return this.#ranges.some(({ from = -Infinity, to = Infinity }) =>
      ranges.some((range) => range.from < to && range.to > from),
    );
  }
}

/**
 * The events to leave out of an answer about a project; `undefined` where no erasure is open. It
 * must be called before all other reads for the answer. Then an erasure that ended before has
 * removed its events, and any other erasure is found open.
 */
export async function hiddenOf(
  store: JobStore,
  project: ProjectId,
): Promise<HiddenEvents | undefined> {
  return hiddenBy(await store.openJobsOf(project));
}

/** As `hiddenOf`, for an answer about all projects. */
export async function hiddenOfAll(store: JobStore): Promise<ReadonlyMap<ProjectId, HiddenEvents>> {
  const open: KeptJob[] = [];
  for await (const job of everyOpenJob(store)) open.push(job);
  const jobs = Map.groupBy(open, ({ project }) => project);
  const hidden = [...jobs].map(([project, own]) => [project, hiddenBy(own)] as const);
  return new Map(hidden.filter((one): one is [ProjectId, HiddenEvents] => one[1] !== undefined));
}

function hiddenBy(jobs: readonly KeptJob[]): HiddenEvents | undefined {
  const open = jobs.filter((job) => {
    const state: JobState | ErasureState = stateOf(job);
    if (!("erasure" in state)) return false;
    // An erasure of an id that no event has removes nothing, nor does one that names nobody any more.
    return state.held !== null && !("subject" in state.erasure);
  });
  return open.length === 0 ? undefined : new HiddenEvents(open);
}

function removedBy(open: readonly Open[]): Predicate {
  return { op: "or", of: [...singles(open), ...persons(open), ...filtered(open)] };
}

/**
 * The events that are erased by their ids. The condition on ids stands last: columns hold no ids,
 * so the conditions before it narrow the search first.
 */
function singles(open: readonly Open[]): readonly Predicate[] {
  const found = open.flatMap(({ erasure, held, createdAt }) =>
    erasure.kind === "eraseEvent" ? [{ id: erasure.id, held, createdAt }] : [],
  );
  const placed = found.flatMap(({ id, held }) => (held ? [{ id, ...held }] : []));
  const predicates: Predicate[] = found
    .filter(({ held }) => held === undefined)
    .map(({ id, createdAt }) => every([acceptedUntil(createdAt), is(["id"], [id])]));
  if (placed.length > 0) {
    predicates.push(
      every([
        is(["timestamp"], distinct(placed, "timestamp")),
        is(["receivedAt"], distinct(placed, "receivedAt")),
        is(["id"], distinct(placed, "id")),
      ]),
    );
  }
  return predicates;
}

function persons(open: readonly Open[]): readonly Predicate[] {
  const found = personsOf(open);
  const latest = Math.max(...found.values());
  const byInstant = Map.groupBy(found.keys(), (user) =>
    found.size > personsApart ? latest : found.get(user)!,
  );
  return [...byInstant].map(([instant, users]) => every([isOf(users), acceptedUntil(instant)]));
}

/** The persons under erasure, each with the instant of the latest request. */
function personsOf(open: readonly Open[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { erasure, createdAt } of open) {
    if (!("userId" in erasure)) continue;
    found.set(erasure.userId, Math.max(createdAt, found.get(erasure.userId) ?? -Infinity));
  }
  return found;
}

function filtered(open: readonly Open[]): readonly Predicate[] {
  return open.flatMap(({ erasure, createdAt }) =>
    "filter" in erasure ? [every([...conditionsOf(erasure.filter), acceptedUntil(createdAt)])] : [],
  );
}

/** The conditions of a filter, as `meetsFilter` checks them. */
function conditionsOf(filter: Omit<EventFilter, "project">): readonly Predicate[] {
  const { types, sources, correlationId, userId, from, to, where = [] } = filter;
  const all: (Predicate | undefined)[] = [
    types && is(["type"], types),
    sources && is(["source"], sources),
    correlationId === undefined ? undefined : is(["correlationId"], [correlationId]),
    userId === undefined ? undefined : isOf([userId]),
    from === undefined ? undefined : { path: ["timestamp"], op: "gte", value: from },
    to === undefined ? undefined : { path: ["timestamp"], op: "lt", value: to },
    ...where,
  ];
  return all.filter((condition) => condition !== undefined);
}

/** A predicate that is met by the events of some users, as `userOf` reads them. */
function isOf(users: readonly string[]): Predicate {
  const values = users.flatMap((user): Scalar[] =>
    String(Number(user)) === user && Number.isFinite(Number(user)) ? [user, Number(user)] : [user],
  );
  const userId = ["metadata", "userId"] as const;
  const isNamed: Predicate = {
    op: "or",
    of: [
      { path: userId, op: "gt", value: "" },
      { path: userId, op: "gte", value: 0 },
      { path: userId, op: "lt", value: 0 },
    ],
  };
  const isAnonymous = every([is(["metadata", "anonymousId"], values), { op: "not", of: isNamed }]);
  return { op: "or", of: [is(userId, values), isAnonymous] };
}

function acceptedUntil(instant: number): Predicate {
  return { path: ["receivedAt"], op: "lte", value: instant };
}

function is(path: PropertyPath, values: readonly Scalar[]): Predicate {
  return { path, op: "is", values };
}

function every(of: readonly Predicate[]): Predicate {
  return { op: "and", of };
}

function distinct<T, K extends keyof T>(all: readonly T[], key: K): T[K][] {
  return [...new Set(all.map((one) => one[key]))];
}

function rangeOf({ erasure, held }: Open): OpenRange {
  if ("filter" in erasure) return erasure.filter;
  return held ? { from: held.timestamp, to: held.timestamp + 1 } : {};
}
