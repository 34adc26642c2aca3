import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import type { StoredEvent } from "../../lib/event/event.ts";
import { chunkSize } from "../../lib/store/sqlite/schema.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { bucket, cells, delta, event, ids, minute, unavailable } from "./store-harness.ts";

const onStore = (test: (harness: SqliteHarness) => Promise<void>) => async () => {
  const harness = await SqliteHarness.open();
  try {
    await test(harness);
  } finally {
    await harness.dispose();
  }
};

const awayAndBack = ["error: store is away", "info: store is back"];

describe("the file of the SQLite store", () => {
  test(
    "of a newer version is refused by name and left as it is",
    onStore(async (harness) => {
      await (await harness.open()).close();
      const db = new DatabaseSync(harness.file);
      db.exec("PRAGMA user_version = 99");
      db.close();
      const before = await readFile(harness.file);
      await expect(harness.open()).rejects.toThrow(/store\.sqlite was written by a newer version/);
      expect(await readFile(harness.file)).toEqual(before);
    }),
  );

  test(
    "lets nobody change or remove what was done",
    onStore(async (harness) => {
      const { acts } = await harness.open();
      const actor = { kind: "key", id: "k" } as const;
      const act = { id: "1", project: "p", at: 1, actor, target: "t", details: {} };
      await acts.begin({ ...act, what: "keys.create" });
      const db = new DatabaseSync(harness.file);
      const refused = /what was done stays told/;
      expect(() => db.exec("DELETE FROM acts")).toThrow(refused);
      expect(() => db.exec("UPDATE acts SET actor = '{}'")).toThrow(refused);
      db.exec("UPDATE acts SET outcome = 'done'");
      expect(() => db.exec("UPDATE acts SET outcome = 'failed'")).toThrow(refused);
      db.close();
    }),
  );

  test(
    "that is no database is reported, not overwritten",
    onStore(async (harness) => {
      await mkdir(dirname(harness.file), { recursive: true });
      await writeFile(harness.file, "precious".repeat(1_000));
      const store = await harness.open();
      await expect(store.append("b", [event("a")])).rejects.toMatchObject(unavailable);
      expect(harness.logged).toEqual(awayAndBack.slice(0, 1));
      expect(await readFile(harness.file, "utf8")).toBe("precious".repeat(1_000));
    }),
  );

  test(
    "that is gone is waited for and not replaced by an empty one",
    onStore(async (harness) => {
      const store = await harness.open();
      await store.append("b", [event("a")]);
      const folder = dirname(harness.file);
      await rename(folder, `${folder}-elsewhere`);
      await expect(store.append("lost", [event("b")])).rejects.toMatchObject(unavailable);
      await expect(store.event("p", "a")).rejects.toMatchObject(unavailable);
      await mkdir(folder);
      // Not a wait for a fact: for a second it would not even try.
      await delay(1_100);
      await expect(store.ping()).rejects.toMatchObject(unavailable);
      await rm(folder, { recursive: true });
      await rename(`${folder}-elsewhere`, folder);
      expect(await eventually(() => store.event("p", "a"))).toBeDefined();
      await eventually(() => store.append("b2", [event("b")]));
      // Once for the writer, once for the readers.
      expect(harness.logged.sort()).toEqual([...awayAndBack, ...awayAndBack].sort());
    }),
  );

  test(
    "that somebody else holds for long is away for as long",
    onStore(async (harness) => {
      const store = await harness.open();
      await store.append("b", [event("a")]);
      const other = new DatabaseSync(harness.file);
      other.exec("BEGIN IMMEDIATE");
      await expect(store.append("b2", [event("b")])).rejects.toMatchObject(unavailable);
      expect(await store.event("p", "a")).toBeDefined();
      other.exec("ROLLBACK");
      other.close();
      await store.append("b2", [event("b")]);
      expect(harness.logged).toEqual(awayAndBack);
    }),
  );

  test(
    "holds the cells of condensed deltas once, and all their keys",
    onStore(async (harness) => {
      const store = await harness.open();
      await store.putDeltas(
        Array.from({ length: 50 }, (_, i) => delta(`b${i}`, cells({ a: 1, [`t${i}`]: 1 }))),
      );
      await store.condense(bucket());
      await store.close();
      const db = new DatabaseSync(harness.file);
      const rows = db.prepare("SELECT batch FROM deltas WHERE types IS NOT NULL").all();
      const keys = db.prepare("SELECT count(*) AS n FROM deltas WHERE batch <> ''").get();
      db.close();
      expect([rows.length, keys!["n"]]).toEqual([1, 50]);
    }),
  );
});

describe("the writer of the SQLite store", () => {
  test(
    "carries out the others where one call of a group is bad",
    onStore(async (harness) => {
      const store = await harness.open();
      const bad = event("bad", { timestamp: Number.NaN });
      const calls = Array.from({ length: 20 }, (_, i) =>
        store.append(`b${i}`, i === 7 ? [event("good"), bad] : [event(`e${i}`)]),
      );
      const results = await Promise.allSettled(calls);
      const refused = results.flatMap(({ status }, i) => (status === "rejected" ? [i] : []));
      expect(refused).toEqual([7]);
      expect(results[7]).toMatchObject({ reason: { type: "INTERNAL" } });
      expect(await store.countEvents({ project: "p" })).toBe(19);
      expect(await store.event("p", "good")).toBeUndefined();
    }),
  );
});

describe("a thread of the SQLite store", () => {
  test.each(["writer", "reader"])("that dies fails what waits and is started again: %s", (role) =>
    onStore(async (harness) => {
      const store = await harness.open({ readers: 1 });
      await store.append("b", [event("a")]);
      await store.event("p", "a");
      const call = (): Promise<unknown> =>
        role === "writer" ? store.append("b", [event("a")]) : store.event("p", "a");
      const before = Array.from({ length: 200 }, call);
      const ended = harness.threads.find((thread) => thread.role === role)!.worker.terminate();
      // What is asked of a thread that has stopped, but is not known to have, waits.
      const waiting = Promise.allSettled([...before, ...Array.from({ length: 200 }, call)]);
      await ended;
      const failed = (await waiting).filter(({ status }) => status === "rejected");
      expect(failed.length).toBeGreaterThan(0);
      for (const result of failed) expect(result).toMatchObject({ reason: unavailable });
      await eventually(call);
      expect(harness.threads.filter((thread) => thread.role === role)).toHaveLength(2);
      expect(await store.event("p", "a")).toBeDefined();
      expect(harness.logged).toEqual(awayAndBack);
    })(),
  );

  test(
    "starts only when it is needed",
    onStore(async (harness) => {
      const store = await harness.open();
      const roles = () => harness.threads.map(({ role }) => role);
      await store.append("b", [event("a")]);
      expect(roles()).toEqual(["writer"]);
      for (let i = 0; i < 3; i += 1) await store.event("p", "a");
      expect(roles()).toEqual(["writer", "reader"]);
      await Promise.all([1, 2, 3, 4].map(() => store.event("p", "a")));
      expect(roles()).toEqual(["writer", "reader"]);
      await store.countEvents({ project: "p" });
      expect(roles()).toEqual(["writer", "reader", "reader"]);
    }),
  );
});

describe("events of users and correlations, which are indexed in chunks", () => {
  test(
    "are paged in order over all chunks, whose times overlap",
    onStore(async (harness) => {
      const store = await harness.open();
      const stored: StoredEvent[] = [];
      const count = 3 * chunkSize + 100;
      for (let from = 0; from < count; from += 4_096) {
        const part = Array.from({ length: Math.min(4_096, count - from) }, (_, i) => {
          const n = from + i;
          return event(`e${n}`, {
            // Forwards in most chunks, backwards in another, with equal instants between them.
            timestamp: minute + (n % (2 * chunkSize) < chunkSize ? n >> 3 : (count - n) >> 3),
            ...(n % 97 === 0 && { correlationId: "c" }),
            metadata: { userId: n % 50 === 0 ? "u" : `other-${n % 1_000}` },
          });
        });
        await store.append(`b${from}`, part);
        stored.push(...part);
      }
      const byPosition = (a: StoredEvent, b: StoredEvent) =>
        a.timestamp - b.timestamp || (a.id < b.id ? -1 : 1);
      for (const filter of [{ userId: "u" }, { correlationId: "c" }]) {
        const wanted = stored
          .filter(({ metadata, correlationId }) =>
            "userId" in filter ? metadata!["userId"] === "u" : correlationId === "c",
          )
          .sort(byPosition);
        const query = { project: "p", ...filter, limit: 100 };
        for (const order of ["asc", "desc"] as const) {
          const found: string[] = [];
          for (let after: StoredEvent | undefined; ;) {
            const page = await store.events({ ...query, order, after });
            found.push(...ids(page));
            after = page.at(-1);
            if (page.length < query.limit) break;
          }
          expect(found).toEqual(ids(order === "asc" ? wanted : wanted.toReversed()));
        }
        const middle = { from: minute + 1_000, to: minute + 3_000 };
        const inMiddle = wanted.filter(
          ({ timestamp }) => timestamp >= middle.from && timestamp < middle.to,
        );
        expect(await store.countEvents({ project: "p", ...filter, ...middle })).toBe(
          inMiddle.length,
        );
        expect(await store.countEvents({ project: "p", ...filter })).toBe(wanted.length);
      }
    }),
    120_000,
  );
});
