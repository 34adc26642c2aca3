import type { Bucket } from "../event/bucket.ts";
import { Gatherer } from "../gather.ts";
import type { Collections } from "./mongo-collections.ts";
import { sumDeltas } from "./mongo-deltas.ts";
import type { MongoLink } from "./mongo-link.ts";
import { clearMarks, mark } from "./mongo-marks.ts";
import { sumChildren, writeRollups, type RollupWrite } from "./mongo-rollups.ts";
import type { DirtyMark, Sum } from "./store.ts";

/** Buckets of one command. */
const maxBuckets = 250;

/**
 * The verbs of a pass over dirty buckets. A pass calls each of them for many buckets at once: what is called
 * in one turn of the event loop goes to the server as one command, and fails as a whole.
 */
export class MongoPasses {
  readonly sumDeltas: (minute: Bucket) => Promise<Sum>;
  readonly sumChildren: (parent: Bucket) => Promise<Sum>;
  readonly writeRollup: (write: RollupWrite) => Promise<void>;
  readonly markParent: (parent: Bucket) => Promise<void>;
  readonly clearMark: (mark: DirtyMark) => Promise<void>;

  constructor(link: MongoLink, maxRollupBytes: number) {
    const write = (collections: Collections, writes: readonly RollupWrite[]) =>
      writeRollups(collections, writes, maxRollupBytes);
    this.sumDeltas = gathered(link, sumDeltas);
    this.sumChildren = gathered(link, sumChildren);
    this.writeRollup = gathered(link, ofEach(write));
    this.markParent = gathered(link, ofEach(mark));
    this.clearMark = gathered(link, ofEach(clearMarks));
  }
}

type Work<T, R> = (collections: Collections, group: readonly T[]) => Promise<readonly R[]>;

function gathered<T, R>(link: MongoLink, work: Work<T, R>): (value: T) => Promise<R> {
  const gatherer = new Gatherer<T, R>(
    (group) => work(link.collections, group),
    { maxItems: maxBuckets, maxBytes: Infinity, maxWaitingItems: Infinity },
    () => new Error("there is no bound"),
  );
  // Each is a call of its own to the link, which so knows what was asked for before it is closed.
  return (value) => link.run(() => gatherer.add({ value, items: 1, sizeBytes: 0 }));
}

function ofEach<T>(
  work: (collections: Collections, group: readonly T[]) => Promise<void>,
): Work<T, void> {
  return async (collections, group) => {
    await work(collections, group);
    return group.map(() => undefined);
  };
}
