import type { Collection, IndexSpecification } from "mongodb";
import type { Collections } from "./documents.ts";

/**
 * The indexes of each collection. docs/mongodb.md says which reads each serves; that each is needed
 * is tested in test/integration/store.mongo.test.ts ("each index is needed").
 */
export const indexes: {
  readonly [Name in keyof Collections]?: readonly IndexSpecification[];
} = {
  events: [
    { project: 1, timestamp: 1, id: 1 },
    { project: 1, type: 1, timestamp: 1, id: 1 },
    { project: 1, correlationId: 1, timestamp: 1, id: 1 },
    { project: 1, userId: 1, timestamp: 1, id: 1 },
    { project: 1, batch: 1 },
  ],
  unsealed: [{ project: 1, at: 1 }],
  segments: [
    { project: 1, to: 1 },
    { project: 1, batches: 1 },
    { isMarked: 1, dueAt: 1 },
  ],
  bundles: [
    { project: 1, to: 1 },
    { project: 1, first: 1 },
  ],
  deltas: [{ project: 1, minute: 1, folded: 1 }],
  dirty: [
    { grain: 1, markedAt: 1, turn: 1 },
    { project: 1, grain: 1, start: 1 },
  ],
  rollups: [{ project: 1, grain: 1, start: 1 }],
  days: [{ project: 1, day: 1 }],
  questions: [{ project: 1, name: 1 }],
  keys: [
    { project: 1, createdAt: 1 },
    { revoked: 1, endsAt: 1 },
  ],
  acts: [{ project: 1, id: 1 }],
  // Downwards: databases of earlier versions have the same index upwards, which is not unique.
  feed: [{ n: -1 }],
  fenced: [{ subject: 1 }],
  jobs: [
    { project: 1, id: 1 },
    { isOpen: 1, id: 1 },
    { project: 1, isOpen: 1, id: 1 },
  ],
  schemas: [{ project: 1 }, { hasCurrent: 1, project: 1, type: 1 }],
  quarantine: [
    { project: 1, receivedAt: 1, id: 1 },
    { project: 1, type: 1, receivedAt: 1, id: 1 },
    { project: 1, userId: 1, receivedAt: 1, id: 1 },
    { event: 1 },
  ],
};

/** The collections of whose own indexes each key may be there once. */
const unique: ReadonlySet<keyof Collections> = new Set(["feed"]);

/**
 * Makes the missing indexes and their collections. Any number of processes may do so at once.
 * Indexes are made one by one: FerretDB 1.24 fails if a command has several indexes and more than
 * one of them exists.
 */
export async function createIndexes(collections: Collections): Promise<void> {
  const names = Object.keys(indexes) as (keyof typeof indexes)[];
  await Promise.all(
    names.map(async (name) => {
      const collection: Pick<Collection, "createIndex"> = collections[name];
      const options = unique.has(name) ? { unique: true } : {};
      for (const index of indexes[name] ?? []) await collection.createIndex(index, options);
    }),
  );
}
