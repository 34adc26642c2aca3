import { Semaphore } from "../../concurrency/semaphore.ts";
import type { ProjectId } from "../../event/event.ts";
import { useAheadMs, type KeyEnd, type KeyStore, type KeyUse, type StoredKey } from "../keys.ts";
import { fromColumn, toColumn } from "../rows.ts";
import type { MongoLink } from "./connection.ts";
import { inOneAnswer, neverMs, type Collections, type KeyDocument } from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** The document of `counters` that changes with the keys. */
const counter = "keys";

/**
 * The keys, in a collection of their own. A counter announces a change once it is made: where a
 * process dies between, no caller got an answer that the change was made.
 */
export class MongoKeys implements KeyStore {
  readonly #link: MongoLink;
  /** Keys are counted, then added: one at a time, so that a process adds none above the limit. */
  readonly #adding = new Semaphore(1);

  constructor(link: MongoLink) {
    this.#link = link;
  }

  add(key: StoredKey, bounds: Parameters<KeyStore["add"]>[1]): Promise<"created" | "full"> {
    return this.#adding.run(() =>
      this.#link.run((collections) => addKey(collections, key, bounds)),
    );
  }

  list(project: ProjectId): Promise<readonly StoredKey[]> {
    return this.#link.run(async ({ keys }) => {
      const found = await keys.find({ project }, inOneAnswer).sort({ createdAt: 1 }).toArray();
      const inOrder = found.toSorted(
        (a, b) => a.createdAt - b.createdAt || (a._id < b._id ? -1 : 1),
      );
      return inOrder.map(fromDocument);
    });
  }

  find(project: ProjectId, id: string): Promise<StoredKey | undefined> {
    return this.#link.run(async ({ keys }) => {
      const found = await keys.findOne({ _id: id });
      return found?.project === project ? fromDocument(found) : undefined;
    });
  }

  end(project: ProjectId, id: string, { at, revoked }: KeyEnd): Promise<"ended" | "absent"> {
    return this.#link.run(async (collections) => {
      const { keys } = collections;
      const { matchedCount } = await keys.updateOne(
        { _id: id, project },
        { $min: { endsAt: at }, ...(revoked && { $set: { revoked: true } }) },
      );
      if (matchedCount === 0) return "absent";
      await countChange(collections);
      return "ended";
    });
  }

  used(uses: readonly KeyUse[]): Promise<void> {
    return this.#link.run(async ({ keys }) => {
      for (const { id, at } of uses) {
        const isOther = [
          { usedAt: { $exists: false } },
          { usedAt: { $lt: at } },
          { usedAt: { $gt: at + useAheadMs } },
        ];
        await keys.updateOne({ _id: id, $or: isOther }, { $set: { usedAt: at } });
      }
    });
  }

  version(): Promise<number> {
    return this.#link.run(
      async ({ counters }) => (await counters.findOne({ _id: counter }))?.n ?? 0,
    );
  }

  holding(at: number): Promise<readonly StoredKey[]> {
    return this.#link.run(async ({ keys }) => {
      const holds = { revoked: false, endsAt: { $gt: at } };
      const found = await keys.find(holds, inOneAnswer).toArray();
      return found.toSorted((a, b) => (a._id < b._id ? -1 : 1)).map(fromDocument);
    });
  }
}

async function addKey(
  collections: Collections,
  key: StoredKey,
  { limit, forgetBefore }: Parameters<KeyStore["add"]>[1],
): Promise<"created" | "full"> {
  const { keys } = collections;
  const { project, createdAt } = key;
  // The index over a project's keys serves this: there are few.
  const known = await keys
    .find({ project }, { ...inOneAnswer, projection: { endsAt: 1 } })
    .toArray();
  if (known.filter(({ endsAt }) => endsAt > createdAt).length >= limit) return "full";
  const forgotten = known.filter(({ endsAt }) => endsAt < forgetBefore).map(({ _id }) => _id);
  if (forgotten.length > 0) await keys.deleteMany({ _id: { $in: forgotten } });
  await insertAbsent(keys, [toDocument(key)]);
  await countChange(collections);
  return "created";
}

async function countChange({ counters }: Collections): Promise<void> {
  await counters.findOneAndUpdate({ _id: counter }, { $inc: { n: 1 } }, { upsert: true });
}

function toDocument({ id, name, endsAt = neverMs, ...rest }: StoredKey): KeyDocument {
  return { _id: id, ...rest, name: toColumn(name), endsAt };
}

function fromDocument({ _id, name, endsAt, ...rest }: KeyDocument): StoredKey {
  return { id: _id, ...rest, name: fromColumn(name), ...(endsAt !== neverMs && { endsAt }) };
}
