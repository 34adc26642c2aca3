import { setTimeout as delay } from "node:timers/promises";
import {
  MongoBulkWriteError,
  type AnyBulkWriteOperation,
  type Collection,
  type OptionalUnlessRequiredId,
  type UpdateFilter,
} from "mongodb";
import { ServiceError } from "../../errors.ts";
import { isPassingCode } from "./errors.ts";

const duplicateKey = 11_000;
const maxUpserts = 20;

/** How often a write that was put off is sent again: for some 5 s. */
export const maxRepeats = 10;

interface Keyed {
  readonly _id: string;
}

/** Sets some fields of one document, and further fields where it does not exist yet. */
interface Upsert<T extends Keyed> {
  readonly _id: string;
  readonly set: Partial<T>;
  readonly setOnInsert?: Partial<T>;
}

/** One operation, on the document of this id. */
export interface Write<T extends Keyed> extends Keyed {
  readonly operation: AnyBulkWriteOperation<T>;
}

/**
 * Inserts the documents that are absent and leaves the others as they are. Which ones failed
 * follows from their places alone: some servers miscount what they inserted.
 * @returns the places of those that existed, ascending
 */
export async function insertAbsent<T extends Keyed>(
  collection: Collection<T>,
  documents: readonly T[],
): Promise<readonly number[]> {
  const duplicates: number[] = [];
  let open = inOrder(documents);
  for (let round = 0; open.length > 0; round += 1) {
    if (round > 0) await pauseOrGiveUp(round);
    const sent = open;
    const refused = await refusalsOf(() =>
      collection.insertMany(
        sent.map((at) => documents[at] as OptionalUnlessRequiredId<T>),
        { ordered: false },
      ),
    );
    const placesWhere = (isDuplicate: boolean) =>
      refused.filter((one) => one.isDuplicate === isDuplicate).map(({ index }) => sent[index]!);
    duplicates.push(...placesWhere(true));
    open = placesWhere(false);
  }
  return duplicates.sort((a, b) => a - b);
}

/**
 * Carries out writes that may be repeated.
 * @returns false where one was refused for a duplicate key: it is unknown then which of the others
 *   were carried out, since FerretDB 1 ends a command there, whatever its options
 */
export async function writeAll<T extends Keyed>(
  collection: Collection<T>,
  writes: readonly Write<T>[],
): Promise<boolean> {
  if (writes.length === 0) return true;
  const operations = inOrder(writes).map((at) => writes[at]!.operation);
  for (let round = 0; ; round += 1) {
    if (round > 0) await pauseOrGiveUp(round);
    const refused = await refusalsOf(() => collection.bulkWrite(operations, { ordered: false }));
    if (refused.some(({ isDuplicate }) => isDuplicate)) return false;
    if (refused.length === 0) return true;
  }
}

/**
 * Carries out each upsert at least once. Of two that insert the same document at once a server may
 * refuse one for its key: repeated, it finds the other's document.
 */
export async function upsertAll<T extends Keyed>(
  collection: Collection<T>,
  upserts: readonly Upsert<T>[],
): Promise<void> {
  const writes = upserts.map(({ _id, set, setOnInsert }) => {
    const update = { $set: set, ...(setOnInsert && { $setOnInsert: setOnInsert }) };
    return upserting<T>(_id, update);
  });
  await writeUpserts(collection, writes);
}

/** The same for one document and an update of any kind. */
export function upsert<T extends Keyed>(
  collection: Collection<T>,
  _id: string,
  update: UpdateFilter<T>,
): Promise<void> {
  return writeUpserts(collection, [upserting<T>(_id, update)]);
}

function upserting<T extends Keyed>(_id: string, update: object): Write<T> {
  const operation = { updateOne: { filter: { _id }, update, upsert: true } };
  return { _id, operation: operation as AnyBulkWriteOperation<T> };
}

async function writeUpserts<T extends Keyed>(
  collection: Collection<T>,
  writes: readonly Write<T>[],
): Promise<void> {
  for (let round = 0; !(await writeAll(collection, writes)); round += 1) {
    // Only a document that others insert and remove all the time can be refused so often.
    if (round === maxUpserts) throw new ServiceError("STORE_UNAVAILABLE");
  }
}

/** A pause before another attempt: longer each time, up to a second, and no two alike. */
export function pause(round: number): Promise<void> {
  return delay(Math.random() * Math.min(1_000, 20 * 2 ** round));
}

async function pauseOrGiveUp(round: number): Promise<void> {
  if (round > maxRepeats) throw new ServiceError("STORE_UNAVAILABLE");
  await pause(round);
}

/**
 * The places of writes in the order of their ids, which is the same in every process: where a
 * server makes a command one transaction, two commands on the same documents would otherwise wait
 * for each other.
 */
function inOrder(writes: readonly Keyed[]): number[] {
  const idAt = (at: number) => writes[at]!._id;
  return writes
    .map((_, at) => at)
    .sort((a, b) => (idAt(a) === idAt(b) ? 0 : idAt(a) < idAt(b) ? -1 : 1));
}

interface Refusal {
  readonly index: number;
  /** False where the server only put it off. */
  readonly isDuplicate: boolean;
}

/**
 * The writes of a command that were refused for a duplicate key or put off, in its order, where
 * nothing else went wrong. An unmet write concern is a different failure: the documents may vanish
 * again.
 */
async function refusalsOf(command: () => Promise<unknown>): Promise<readonly Refusal[]> {
  try {
    await command();
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    const isAll =
      failures.length > 0 &&
      failures.every(({ code }) => code === duplicateKey || isPassingCode(code)) &&
      error.result.getWriteConcernError() === undefined;
    if (!isAll) throw error;
    return failures
      .map(({ index, code }) => ({ index, isDuplicate: code === duplicateKey }))
      .sort((a, b) => a.index - b.index);
  }
}
