import type { EventStore } from "./store.ts";

type Verbs<Store> = {
  [Name in keyof Store]: Store[Name] extends (...args: never) => Promise<unknown> ? Name : never;
}[keyof Store];
/** The operations of a store that take time. */
export type StoreVerb = Exclude<Verbs<Required<EventStore>>, "close">;

/** Called with each operation of a store when it has ended. */
export type Observer = (verb: StoreVerb, seconds: number, outcome: "done" | "failed") => void;

type Operation = (...args: readonly unknown[]) => Promise<unknown>;

const verbs = {
  keepWhole: true,
  append: true,
  putDeltas: true,
  markDirty: true,
  dirty: true,
  dirtyBacklog: true,
  sumDeltas: true,
  sumChildren: true,
  rollUpMarked: true,
  rollup: true,
  nextDay: true,
  writeRollup: true,
  markParent: true,
  clearMark: true,
  condense: true,
  marks: true,
  rollups: true,
  deltaSums: true,
  covered: true,
  events: true,
  page: true,
  eventsText: true,
  list: true,
  countEvents: true,
  event: true,
  stored: true,
  tellOrder: true,
  analyze: true,
  cost: true,
  seal: true,
  sample: true,
  fingerprint: true,
  ping: true,
  look: true,
  findEntities: true,
  countEntities: true,
  entitiesByKey: true,
  fence: true,
  erasable: true,
  unfinished: true,
  finished: true,
  holder: true,
  erasedAt: true,
  erase: true,
  forgetRemoved: true,
  refuse: true,
  refused: true,
  recount: true,
  recounted: true,
  complete: true,
  compact: true,
  below: true,
  drop: true,
  shrink: true,
  putJob: true,
  job: true,
  jobs: true,
  openJobs: true,
  openJobsOf: true,
  saveQuestion: true,
  savedQuestion: true,
  savedQuestions: true,
  removeQuestion: true,
} as const satisfies Readonly<Record<StoreVerb, true>>;

/**
 * Reports from now on how long each operation of a store takes, whoever calls it: a service or
 * moleculer-db's adapter. No store contains code for this, so none can leave out a verb.
 */
export function measure(store: EventStore, observe: Observer): void {
  const operations = store as unknown as Record<StoreVerb, Operation | undefined>;
  for (const verb of Object.keys(verbs) as StoreVerb[]) {
    const operation = operations[verb]?.bind(store);
    if (operation === undefined) continue;
    operations[verb] = async (...args) => {
      const begunAt = performance.now();
      let outcome: "done" | "failed" = "failed";
      try {
        const result = await operation(...args);
        outcome = "done";
        return result;
      } finally {
        observe(verb, (performance.now() - begunAt) / 1_000, outcome);
      }
    };
  }
}
