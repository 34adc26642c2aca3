import { LRUCache } from "lru-cache";
import type { Bucket, DirtyMark } from "../../counting/bucket.ts";
import { Batcher } from "../../concurrency/batcher.ts";
import { Semaphore } from "../../concurrency/semaphore.ts";
import { type Collections, bucketId } from "./documents.ts";
import { sumDeltas, type MinuteSum } from "./deltas.ts";
import { fold, minFold } from "./folds.ts";
import type { MongoLink } from "./connection.ts";
import { clearMarks, mark } from "./marks.ts";
import { sumChildren, writeRollups, type RollupWrite } from "./rollups.ts";
import type { Sum } from "../../counting/cells.ts";

/**
 * The buckets of one command: so few that neither the server nor the event loop is blocked for
 * long.
 */
const maxBuckets = 64;

/** The number of sums that are kept for a moment. */
const maxSummed = 256;

/** Fewer parents than buckets, because all children of a parent are read, up to 60. */
const maxParents = 8;

/**
 * The verbs of a pass over dirty buckets. A pass calls each of them for many buckets at once: the
 * calls of one turn of the event loop go to the server in a few commands, one after the other, each
 * of which fails as a whole.
 */
export class MongoPasses {
  readonly #sumMinute: (minute: Bucket) => Promise<MinuteSum>;
  readonly sumChildren: (parent: Bucket) => Promise<Sum>;
  readonly writeRollup: (write: RollupWrite) => Promise<void>;
  readonly markParent: (parent: Bucket) => Promise<void>;
  readonly clearMark: (mark: DirtyMark) => Promise<void>;

  readonly #link: MongoLink;
  /** The last sums of minutes, for `condense`, which does nothing where `toCondense` is missing. */
  readonly #summed = new LRUCache<string, { readonly toCondense: MinuteSum | undefined }>({
    max: maxSummed,
  });

  constructor(link: MongoLink, maxRollupBytes: number) {
    this.#link = link;
    const lane = new Semaphore(1);
    const gathered = <T, R>(work: Work<T, R>, maxItems = maxBuckets) => {
      const gatherer = new Batcher<T, R>(
        (group) => lane.run(() => work(link.collections, group)),
        { maxItems, maxBytes: Infinity, maxWaitingItems: Infinity },
        () => new Error("there is no bound"),
      );
      // Each is a call of its own to the link, so that the link knows of it before it is closed.
      return (value: T) => link.run(() => gatherer.add({ value, items: 1, sizeBytes: 0 }));
    };
    this.#sumMinute = gathered(sumDeltas);
    this.sumChildren = gathered(sumChildren, maxParents);
    this.writeRollup = gathered(
      ofEach((collections, writes) => writeRollups(collections, writes, maxRollupBytes)),
    );
    this.markParent = gathered(ofEach(mark));
    this.clearMark = gathered(ofEach(clearMarks));
  }

  async sumDeltas(minute: Bucket): Promise<Sum> {
    const summed = await this.#sumMinute(minute);
    const isWorth = summed.steady.fresh.length >= minFold;
    this.#summed.set(bucketId(minute), { toCondense: isWorth ? summed : undefined });
    return summed.sum;
  }

  /** Takes the last sum, where it is still kept, so that nothing is read again. */
  async condense(minute: Bucket): Promise<void> {
    const id = bucketId(minute);
    const kept = this.#summed.get(id);
    const summed = kept === undefined ? await this.#sumMinute(minute) : kept.toCondense;
    this.#summed.delete(id);
    if (summed === undefined) return;
    const { sum, steady } = summed;
    await this.#link.run((collections) => fold(collections, minute, steady, sum));
  }
}

type Work<T, R> = (collections: Collections, group: readonly T[]) => Promise<readonly R[]>;

function ofEach<T>(
  work: (collections: Collections, group: readonly T[]) => Promise<void>,
): Work<T, void> {
  return async (collections, group) => {
    await work(collections, group);
    return group.map(() => undefined);
  };
}
