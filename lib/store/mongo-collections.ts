import type { Collection, Db, IndexSpecification } from "mongodb";
import type {
  DayDocument,
  DeltaDocument,
  FoldDocument,
  EventDocument,
  MarkDocument,
  PartDocument,
  QuestionDocument,
  RollupDocument,
} from "./mongo-documents.ts";

export interface PingDocument {
  readonly _id: string;
  readonly at: number;
}

/** The collections of one database. */
export interface Collections {
  readonly events: Collection<EventDocument>;
  readonly deltas: Collection<DeltaDocument>;
  readonly folds: Collection<FoldDocument>;
  readonly dirty: Collection<MarkDocument>;
  readonly rollups: Collection<RollupDocument>;
  readonly rollupParts: Collection<PartDocument>;
  readonly days: Collection<DayDocument>;
  readonly questions: Collection<QuestionDocument>;
  readonly pings: Collection<PingDocument>;
}

/**
 * For reads whose documents are all wanted: as many in one answer of the server's as its 16 MiB hold. Without it the
 * first answer has 101, and so has two round trips what could be had with one.
 */
export const inOneAnswer = { batchSize: 10_000 } as const;

export function collectionsOf(db: Db): Collections {
  return {
    events: db.collection("events"),
    deltas: db.collection("deltas"),
    folds: db.collection("folds"),
    dirty: db.collection("dirty"),
    rollups: db.collection("rollups"),
    rollupParts: db.collection("rollup_parts"),
    days: db.collection("days"),
    questions: db.collection("questions"),
    pings: db.collection("pings"),
  };
}

/** What each serves is told in docs/mongodb.md. */
export const indexes: { readonly [Name in keyof Collections]?: readonly IndexSpecification[] } = {
  events: [
    { project: 1, timestamp: 1, id: 1 },
    { project: 1, type: 1, timestamp: 1, id: 1 },
    { project: 1, correlationId: 1, timestamp: 1, id: 1 },
    { project: 1, userId: 1, timestamp: 1, id: 1 },
  ],
  deltas: [{ project: 1, minute: 1, folded: 1 }],
  dirty: [
    { grain: 1, markedAt: 1, turn: 1 },
    { project: 1, grain: 1, start: 1 },
  ],
  rollups: [{ project: 1, grain: 1, start: 1 }],
  days: [{ project: 1, day: 1 }],
  questions: [{ project: 1, name: 1 }],
};

/**
 * Make the indexes that are missing, and their collections. Any number of processes may do so at once.
 * One by one: FerretDB 1.24 fails where of several in one command more than one is there already.
 */
export async function createIndexes(collections: Collections): Promise<void> {
  const names = Object.keys(indexes) as (keyof typeof indexes)[];
  await Promise.all(
    names.map(async (name) => {
      const collection: Pick<Collection, "createIndex"> = collections[name];
      for (const index of indexes[name] ?? []) await collection.createIndex(index);
    }),
  );
}
