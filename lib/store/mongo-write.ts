import {
  MongoBulkWriteError,
  type AnyBulkWriteOperation,
  type Collection,
  type OptionalUnlessRequiredId,
} from "mongodb";
import { ServiceError } from "../errors.ts";

const duplicateKey = 11_000;
const maxUpserts = 20;

interface Keyed {
  readonly _id: string;
}

/** Set some fields of one document, and more where it is not there yet. */
export interface Upsert<T extends Keyed> {
  readonly _id: string;
  readonly set: Partial<T>;
  readonly setOnInsert?: Partial<T>;
}

/**
 * Insert the documents that are absent; the others are left as they are. Which ones failed is told by
 * their places alone: some servers miscount what they inserted.
 * @returns the places of those that were there, ascending
 */
export async function insertAbsent<T extends Keyed>(
  collection: Collection<T>,
  documents: readonly T[],
): Promise<readonly number[]> {
  if (documents.length === 0) return [];
  try {
    await collection.insertMany(documents as readonly OptionalUnlessRequiredId<T>[], {
      ordered: false,
    });
    return [];
  } catch (error) {
    return duplicatesOf(error);
  }
}

/** Carry out writes that do not depend on each other. An insert of what is there changes nothing. */
export async function writeAll<T extends Keyed>(
  collection: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<void> {
  await written(collection, operations);
}

/**
 * Each upsert happens at least once. Of two that insert the same document at once a server may refuse
 * one for its key: that one is repeated, and then finds the other's document.
 */
export async function upsertAll<T extends Keyed>(
  collection: Collection<T>,
  upserts: readonly Upsert<T>[],
): Promise<void> {
  let open = upserts;
  for (let round = 0; open.length > 0; round += 1) {
    // Only a document that others insert and remove all the time can be refused so often.
    if (round === maxUpserts) throw new ServiceError("STORE_UNAVAILABLE");
    const refused = await upsertOnce(collection, open);
    open = refused.map((at) => open[at]!);
  }
}

async function upsertOnce<T extends Keyed>(
  collection: Collection<T>,
  upserts: readonly Upsert<T>[],
): Promise<readonly number[]> {
  const operations = upserts.map(({ _id, set, setOnInsert }) => {
    const update = { $set: set, ...(setOnInsert && { $setOnInsert: setOnInsert }) };
    return { updateOne: { filter: { _id }, update, upsert: true } } as AnyBulkWriteOperation<T>;
  });
  return written(collection, operations);
}

/** @returns the places of those that were refused for a duplicate key, ascending */
async function written<T extends Keyed>(
  collection: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<readonly number[]> {
  if (operations.length === 0) return [];
  try {
    await collection.bulkWrite(operations, { ordered: false });
    return [];
  } catch (error) {
    return duplicatesOf(error);
  }
}

/**
 * The places of the operations that failed for a duplicate key, where nothing else went wrong. A
 * write concern that was not met is something else: what is there may vanish again.
 */
function duplicatesOf(error: unknown): readonly number[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failures = [error.writeErrors].flat();
  const isAll =
    failures.length > 0 &&
    failures.every(({ code }) => code === duplicateKey) &&
    error.result.getWriteConcernError() === undefined;
  if (!isAll) throw error;
  return failures.map(({ index }) => index).sort((a, b) => a - b);
}
