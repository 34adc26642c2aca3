import { randomUUIDv7 } from "node:crypto";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { EventFilter, EventQuery } from "../../lib/event/filter.ts";
import { append } from "../../lib/store/sqlite/append.ts";
import { Database } from "../../lib/store/sqlite/database.ts";
import { planRecount, recounted } from "../../lib/store/sqlite/deltas.ts";
import { findEntities, findKeys } from "../../lib/store/sqlite/entities.ts";
import { erase, holder } from "../../lib/store/sqlite/erase.ts";
import {
  countEvents,
  event as eventOf,
  events as eventsOf,
} from "../../lib/store/sqlite/events.ts";
import { hasWide, isEarlier, narrow } from "../../lib/store/sqlite/narrow.ts";
import { below, dropEvents } from "../../lib/store/sqlite/retention.ts";
import { stored } from "../../lib/store/sqlite/stored.ts";
import { spawnThread } from "../../lib/store/sqlite/thread.ts";
import type { ThreadCall } from "../../lib/store/sqlite/verbs.ts";
import { fromRow, toRow } from "../../lib/store/rows.ts";
import { eventually } from "../support/eventually.ts";
import { widen } from "../support/widen.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { dayMs, event, ids, minute, minuteMs } from "./store-harness.ts";

const batches = [randomUUIDv7(), "b", randomUUIDv7()] as const;

/** Events of two projects and three batches, many of an instant, with ids of each kind. */
const before: readonly StoredEvent[] = Array.from({ length: 1_500 }, (_, n) =>
  event(n % 3 === 0 ? `e${n}` : randomUUIDv7(), {
    type: n % 2 === 0 ? "a" : "b",
    timestamp: minute + Math.floor(n / 40) + (n % 7 === 0 ? minuteMs : 0),
    project: n % 5 === 0 ? "q" : "p",
    batch: batches[n % 3]!,
    metadata: { userId: `u${n % 4}` },
  }),
);

/** Stored by this version, among them. */
const later: readonly StoredEvent[] = Array.from({ length: 300 }, (_, n) =>
  event(n % 3 === 0 ? `later${n}` : randomUUIDv7(), {
    type: n % 2 === 0 ? "a" : "b",
    timestamp: minute + Math.floor(n / 8),
    batch: batches[n % 3]!,
    metadata: { userId: `u${n % 4}` },
  }),
);
const all = [...before, ...later];

let harness: SqliteHarness;
let writer: Database;
let reader: Database;

/** A file of an earlier version that this one has added events to, none of them changed yet. */
beforeEach(async () => {
  harness = await SqliteHarness.open();
  const store = await harness.open();
  for (const batch of batches) {
    await store.append(batch, of(before, batch));
  }
  await store.close();
  widen(harness.file);
  writer = new Database({ file: harness.file, create: false, role: "writer" });
  reader = new Database({ file: harness.file, create: false, role: "reader" });
  for (const batch of batches) {
    expect(add(batch, of(later, batch))).toBeNull();
  }
});

afterEach(async () => {
  writer.close();
  reader.close();
  await harness.dispose();
});

function of(events: readonly StoredEvent[], batch: string): readonly StoredEvent[] {
  return events.filter((one) => one.batch === batch);
}

function add(batch: string, events: readonly StoredEvent[]) {
  const rows = events.map((one) => toRow(one, batch));
  return writer.transaction((db) => append(db, batch, rows, [], []));
}

const read = <T>(work: (db: Database) => T): T => reader.transaction(work);
const narrowSome = (limit: number) => writer.transaction((db) => narrow(db, limit));

function expected(filter: Partial<EventFilter>, order: "asc" | "desc" = "asc"): string[] {
  const { project = "p", types, userId } = filter;
  const found = all.filter(
    (one) =>
      one.project === project &&
      (types === undefined || types.includes(one.type)) &&
      (userId === undefined || one.metadata!["userId"] === userId),
  );
  const sorted = found.sort((a, b) => (isEarlier(a, b) ? -1 : 1));
  return ids(order === "asc" ? sorted : sorted.reverse());
}

/** All pages of a query; between two of them some events may be narrowed. */
function pages(query: Partial<EventQuery>, between = () => {}): string[] {
  const found: StoredEvent[] = [];
  for (;;) {
    const page = { project: "p", order: "asc", limit: 37, after: found.at(-1), ...query } as const;
    const rows = read((db) => eventsOf(db, page));
    found.push(...rows.map(fromRow));
    if (rows.length < page.limit) return ids(found);
    between();
  }
}

const queries: readonly Partial<EventQuery>[] = [
  {},
  { order: "desc" },
  { types: ["a"] },
  { types: ["b", "a"], order: "desc" },
  { project: "q" },
  { userId: "u1" },
  { userId: "u2", order: "desc", types: ["a"] },
];

/** What holds for each mixture of both forms. */
function holds(): void {
  for (const query of queries) {
    expect(pages(query)).toEqual(expected(query, query.order));
    const filter = { project: "p", ...query };
    expect(read((db) => countEvents(db, filter, Infinity))).toBe(expected(query).length);
  }
  for (const one of [all[0]!, all[1]!, all[700]!, all[701]!, all.at(-1)!, all.at(-2)!]) {
    const { project, id, batch } = one;
    expect(read((db) => fromRow(eventOf(db, project, id)!))).toEqual(one);
    expect(read((db) => holder(db, project, id))).toMatchObject({ id, batch });
    expect(read((db) => findKeys(db, [{ project, id }])).map(fromRow)).toEqual([one]);
    const where = [{ path: ["id"], op: "is", values: [id] }] as const;
    const asked = { where, keys: [{ project, id }], sort: [], offset: 0, limit: 9 };
    expect(read((db) => findEntities(db, asked)).map(fromRow)).toEqual([one]);
  }
  const part = { projects: ["p", "q"], counted: [], limit: 5_000, window: 50_000 };
  const behind = read((db) => stored(db, { ...part, after: [0, 0] }));
  expect(new Set(behind.events.map(({ row }) => row[1]))).toEqual(new Set(ids(all)));
  const total = behind.counts.reduce((sum, [, , count]) => sum + count, 0);
  expect(total).toBe(all.length);
}

describe("a file of an earlier version", () => {
  test("answers alike before, while and after its events are narrowed", () => {
    holds();
    for (const limit of [1, 250, 777]) {
      narrowSome(limit);
      expect(read(hasWide)).toBe(true);
      holds();
    }
    narrowSome(10_000);
    expect(read(hasWide)).toBe(false);
    holds();
  });

  test("gives each event once to a reader of pages, while its events are narrowed", () => {
    for (const query of queries) {
      widen(harness.file);
      expect(pages(query, () => narrowSome(90))).toEqual(expected(query, query.order));
    }
  });

  test("takes no event twice", () => {
    for (const limit of [0, 600, 10_000]) {
      if (limit > 0) narrowSome(limit);
      for (const batch of batches) {
        // Its own events are there, and those of another batch are the other's.
        expect(add(batch, of(all, batch))).toBeNull();
        const others = of(
          all,
          batches.find((one) => one !== batch)!,
        ).slice(0, 20);
        expect(add(batch, others)).toMatchObject({
          owned: [],
          foreign: others.map(({ hash }, at) => ({ at, hash })),
        });
      }
      expect(pages({})).toEqual(expected({}));
    }
  });

  test("erases, recounts and drops events of either form", () => {
    narrowSome(600);
    const at = { project: "p", timestamp: before[0]!.timestamp };
    const bucket = [at.project, "minute", at.timestamp] as const;
    const owners = read((db) => recounted(db, bucket, Infinity, [])).uncounted;
    expect(owners.toSorted()).toEqual(batches.toSorted());
    expect(read((db) => planRecount(db, bucket, [])).batches).toEqual([]);

    const gone = all.filter(({ project }) => project === "p").filter((_, n) => n % 2 === 0);
    const refusal = { at: Date.now(), reusable: false };
    writer.transaction((db) => erase(db, "p", gone, refusal, []));
    const left = new Set(ids(gone));
    expect(pages({})).toEqual(expected({}).filter((id) => !left.has(id)));

    const floors = {
      events: minute + 30 * dayMs,
      types: {},
      minutes: null,
      hours: null,
      days: null,
    };
    expect(read((db) => below(db, "q", floors)).lost.events).toBeGreaterThan(minute);
    while (writer.transaction((db) => dropEvents(db, "q", floors, 100)) > 0);
    expect(pages({ project: "q" })).toEqual([]);
    expect(read((db) => below(db, "q", floors)).lost.events).toBeNull();
  });

  test("is narrowed in the background once it is read, and says so", async () => {
    writer.close();
    reader.close();
    const store = await harness.open();
    expect(ids(await store.events({ project: "q", order: "asc", limit: 9_999 }))).toEqual(
      expected({ project: "q" }),
    );
    await eventually(() => {
      reader.close();
      expect(read(hasWide)).toBe(false);
    });
    expect(harness.logged).toContain(
      "info: events of an earlier version are brought to this one's form",
    );
    expect(ids(await store.events({ project: "p", order: "asc", limit: 9_999 }))).toEqual(
      expected({}),
    );
  });
});

test("events of an earlier version are narrowed, also where the first look for them failed", async () => {
  let isLost = false;
  const store = await harness.open({
    spawn: (threadFile, options) => {
      const worker = spawnThread(threadFile, options);
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (call: ThreadCall) => {
        if (isLost || call.verb !== "hasWide") return post(call);
        isLost = true;
        void worker.terminate();
      };
      return worker;
    },
  });
  const phrase = "info: events of an earlier version are brought to this one's form";
  await eventually(async () => {
    await store.countEvents({ project: "p" });
    expect(harness.logged).toContain(phrase);
  });
  expect(isLost).toBe(true);
});
