import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { noFloors } from "../../lib/counting/floors.ts";
import { foldDivided, type FoldingNode } from "../../lib/answers/division.ts";
import type { EventFilter } from "../../lib/event/filter.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { foldOf, type FoldJob, type FoldKind } from "../../lib/questions/folds.ts";
import type { BreakdownJob } from "../../lib/questions/query/breakdown.ts";
import { collectionsOf } from "../../lib/store/mongo/documents.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { markBatches } from "../../lib/store/mongo/segments/announce.ts";
import { Sealer } from "../../lib/store/mongo/segments/sealer.ts";
import { analyzeContract, comparable, folded } from "../contract/store-analyze.contract.ts";
import { event, minute, type OnStore } from "../contract/store-harness.ts";
import { sequencesContract } from "../contract/store-sequences.contract.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { declaredIndexes, Searches } from "../fixtures/mongo-searches.ts";
import { inPairs, sealAll, SealedHarness } from "../fixtures/sealed-store.ts";
import type { Analyzed, FoldedPart, PartOfQuestion } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import { foldOver } from "../support/fold-over.ts";
import { funnelOf } from "../support/jobs.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

// No whole number of milliseconds, as what is left of a time limit hardly ever is.
const patient = { timeoutMs: 60_000.5 };

const byPlan: BreakdownJob = {
  kind: "breakdown",
  metrics: [{ op: "count" }, { op: "uniques" }, { op: "sum", path: ["data", "n"] }],
  dimensions: [{ path: ["data", "plan"] }],
  totals: true,
  maxGroups: 100,
};
const funnel = funnelOf({ steps: [{ type: "a" }, { type: "b" }] });

/** Which of 30 events: of five users, of two types, some of them late. */
const made = (n: number, project = "p"): StoredEvent =>
  event(`e${n}`, {
    project,
    type: n % 2 === 0 ? "a" : "b",
    timestamp: minute + ((n * 7) % 30),
    metadata: { userId: `u${n % 5}` },
    data: { plan: `plan ${n % 3}`, n },
  });

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 12 });

/** What may happen to a store; batches may come again at any time. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ stores: numbers }) },
  { weight: 2, arbitrary: fc.record({ again: fc.nat({ max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ erases: numbers }) },
  { weight: 1, arbitrary: fc.record({ erasesUser: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ drops: fc.nat({ max: 20 }) }) },
  { weight: 3, arbitrary: fc.constant({ seals: true as const }) },
  { weight: 1, arbitrary: fc.constant({ sealsMeanwhile: true as const }) },
  { weight: 3, arbitrary: fc.constant({ asks: true as const }) },
);

/** After these there is a bundle, whatever others do at random. */
const merged: Happening[] = [1, 2, 3, 4].flatMap((n) => [{ stores: [n] }, { seals: true }]);

type Happening = typeof happening extends fc.Arbitrary<infer Each> ? Each : never;

/** What a store holds after some happenings, kept in memory. */
class Reference {
  readonly project: string;
  readonly held = new Map<string, StoredEvent>();
  readonly gone = new Set<string>();
  readonly batches: (readonly StoredEvent[])[] = [];
  readonly fenced = new Set<string>();
  /** Events before it were dropped, and come in no more. */
  floor = -Infinity;

  constructor(project: string) {
    this.project = project;
  }

  take(batch: readonly StoredEvent[]): void {
    for (const one of batch) {
      const isFenced = this.fenced.has(one.metadata!["userId"] as string);
      if (!isFenced && !this.gone.has(one.id) && !this.held.has(one.id)) this.held.set(one.id, one);
    }
  }

  erase(some: readonly StoredEvent[]): void {
    for (const { id } of some) {
      this.held.delete(id);
      this.gone.add(id);
    }
  }
}

const refusal = { at: minute + 1_000, reusable: false };

async function happen(
  stores: readonly MongoStore[],
  what: Happening,
  known: Reference,
  at: number,
): Promise<void> {
  const store = stores[at % stores.length]!;
  const { project } = known;
  const append = async (b: number) => {
    const batch = known.batches[b]!.filter(({ timestamp }) => timestamp >= known.floor);
    if (batch.length === 0) return;
    await store.append(batch[0]!.batch, batch);
    known.take(batch);
  };
  const held = () => [...known.held.values()];
  const erase = async (some: readonly StoredEvent[]) => {
    const there = some.flatMap(({ id }) => known.held.get(id) ?? []);
    await store.erase(project, there, refusal);
    known.erase(there);
  };
  if ("stores" in what) {
    const batch = `${project} b${known.batches.length}`;
    known.batches.push(what.stores.map((n) => ({ ...made(n, project), batch })));
    await append(known.batches.length - 1);
  } else if ("again" in what) {
    if (known.batches.length > 0) await append(what.again % known.batches.length);
  } else if ("erases" in what) {
    await erase(what.erases.map((n) => made(n)));
  } else if ("erasesUser" in what) {
    const userId = `u${what.erasesUser}`;
    await store.fence(project, userId, minute + 1_000);
    known.fenced.add(userId);
    await erase(held().filter((one) => one.metadata!["userId"] === userId));
  } else if ("drops" in what) {
    known.floor = Math.max(known.floor, minute + what.drops);
    const floors = { ...noFloors, events: known.floor };
    while ((await store.drop(project, floors, 100)) > 0);
    for (const { id, timestamp } of held()) if (timestamp < known.floor) known.held.delete(id);
  } else if ("seals" in what) {
    await sealAll(store);
  } else if ("sealsMeanwhile" in what) {
    await Promise.all([...stores.map(sealAll), expectAnswers([store], held(), project)]);
  } else {
    await expectAnswers([store, ...stores], held(), project);
  }
}

/** The answer of several processes, whose parts go over the wire. */
async function dividedAmong<K extends FoldKind>(
  stores: readonly MongoStore[],
  filter: EventFilter,
  job: FoldJob<K>,
): Promise<Analyzed<K>> {
  const manifest = await stores[0]!.parts.manifest(filter);
  if (manifest === undefined) return stores[0]!.analyze(filter, job, patient);
  const [own, ...others] = stores.map((store, i): FoldingNode => ({
    name: `node ${i}`,
    fold: async (part, limits) => {
      const asked = JSON.parse(JSON.stringify({ ...part, filter, job })) as PartOfQuestion;
      return JSON.parse(JSON.stringify(await store.parts.fold(asked, limits))) as FoldedPart;
    },
  }));
  return foldDivided(job, { manifest, own: own!, others, limits: patient });
}

/** Asks the first of some stores, and all of them together. */
async function expectAnswers(
  stores: readonly MongoStore[],
  held: readonly StoredEvent[],
  project = "p",
): Promise<void> {
  const [store] = stores as [MongoStore];
  for (const filter of [{}, { types: ["b"], from: minute + 4, to: minute + 20 }]) {
    for (const told of [
      await store.analyze({ project, ...filter }, byPlan, patient),
      await dividedAmong(stores, { project, ...filter }, byPlan),
    ]) {
      expect({ events: told.events, ...comparable(told.result as never) }).toEqual(
        folded(held, filter, byPlan),
      );
    }
  }
  const whole = foldOver(foldOf(funnel), held);
  const { result } = await store.analyze({ project }, funnel, patient);
  expect(result).toEqual(whole);
  expect((await dividedAmong(stores, { project }, funnel)).result).toEqual(whole);
}

function segmentTests(name: "ferretdb" | "mongo-java", start: () => Promise<RunningServer>): void {
  describeWith([name], `segments on ${name}`, () => {
    const isSmall = name === "ferretdb";
    const options = isSmall ? "maxPoolSize=1" : "";
    const runs = isSmall ? 2 : Number(process.env["RUNS"] ?? 6);
    // FerretDB on SQLite takes seconds for what takes milliseconds elsewhere.
    const longest = 24;
    const searches = new Searches();
    let server: RunningServer;
    beforeAll(async () => {
      server = await start();
    });
    const folders: string[] = [];
    afterAll(async () => {
      await server?.stop();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    const unwatched = () => MongoHarness.behindCable(server.url, options);
    const harnessed = async () => (await unwatched()).watchedBy(searches);
    let fetched = 0;
    const onStore: OnStore = (test) => async () => {
      const harness = new SealedHarness(await harnessed());
      try {
        await test(await harness.open(), harness);
      } finally {
        fetched += harness.fetched;
        await harness.dispose();
      }
    };

    analyzeContract(onStore, { runs: Math.floor(runs / 2) });
    sequencesContract(onStore, { runs: Math.floor(runs / 2) });

    test("these answers came from columns", () => {
      expect(fetched).toBeGreaterThan(15);
    });

    test("answers are those of the events, whatever is stored, comes again, is erased, dropped, sealed and merged when", async () => {
      const harness = await harnessed();
      try {
        const segmentCache = { folder: await mkdtemp(join(tmpdir(), "segments-")), maxBytes: 1e6 };
        folders.push(segmentCache.folder);
        const merging = { adoptsAfterMs: 0, bundleLimits: inPairs };
        const stores = [
          await harness.open(merging),
          await harness.open({ ...merging, segmentCache }),
        ];
        let runsSoFar = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(happening, { minLength: 8, maxLength: longest }),
            async (all) => {
              const known = new Reference(`p${++runsSoFar}`);
              for (const [at, what] of all.entries()) await happen(stores, what, known, at);
              await expectAnswers(stores, [...known.held.values()], known.project);
              await sealAll(stores[1]!);
              await expectAnswers(stores.toReversed(), [...known.held.values()], known.project);
            },
          ),
          { numRuns: runs + 1, examples: [[merged]] },
        );
        const { bundles } = collectionsOf(stores[0]!.db);
        expect(await bundles.estimatedDocumentCount()).toBeGreaterThan(0);
      } finally {
        await harness.dispose();
      }
    });

    test("columns are fetched once, and those of erased events are gone from the disk after the next start", async () => {
      const harness = await unwatched();
      const folder = await mkdtemp(join(tmpdir(), "segments-"));
      folders.push(folder);
      try {
        let fetched = 0;
        let [columns, bytes] = [0, 0];
        const open = () =>
          harness.open({
            adoptsAfterMs: 0,
            segmentCache: { folder, maxBytes: 1_000_000 },
            columnsBehind: (stored) => ({
              fetch: async (...asked) => {
                fetched += 1;
                const found = await stored.fetch(...asked);
                for (const { length } of found?.values() ?? []) {
                  columns += 1;
                  bytes += length;
                }
                return found;
              },
            }),
          });
        const held = Array.from({ length: 30 }, (_, n) => ({ ...made(n), batch: "b" }));
        const files = async () =>
          (await readdir(folder, { recursive: true })).filter((name) => /[0-9a-f]{32}$/.test(name));
        const store = await open();
        await store.append("b", held);
        await sealAll(store);
        const ask = async (of: MongoStore) => {
          const { result } = await of.analyze({ project: "p" }, byPlan, patient);
          return comparable(result);
        };
        const cost = await store.cost({ project: "p" }, byPlan);
        const answer = await ask(store);
        expect(cost).toEqual({ columns, bytes, rows: 0 });
        expect(columns).toBe(4);
        const cut = await store.cost({ project: "p", from: minute + 1 }, byPlan);
        expect(cut?.columns).toBe(5);
        expect(await store.cost({ project: "p", userId: "u1" }, byPlan)).toBeUndefined();
        await store.close();
        const kept = await files();
        expect(kept.length).toBeGreaterThan(0);

        const second = await open();
        expect(await ask(second)).toEqual(answer);
        expect(fetched).toBe(1);
        // Whoever names segments of another project gets nothing of them.
        const manifest = (await second.parts.manifest({ project: "p" }))!;
        const other = { manifest, filter: { project: "q" }, job: byPlan };
        expect((await second.parts.fold(other, patient)).events).toBe(0);
        await second.erase("p", held.slice(0, 3), refusal);
        await second.close();
        expect(await files()).toEqual(kept);
        await open();
        await eventually(async () => expect(await files()).toEqual([]), 30_000);
      } finally {
        await harness.dispose();
      }
    });

    test("events in no segment are read once, and again when they change", async () => {
      const harness = await MongoHarness.behindCable(server.url, "monitorCommands=true");
      try {
        const store = await harness.open({ adoptsAfterMs: 0 });
        let reads = 0;
        for (const client of store.clients) {
          client.on(
            "commandStarted",
            ({ command }) => (reads += Number(command["find"] === "events")),
          );
        }
        const all = Array.from({ length: 12 }, (_, n) => ({ ...made(n), batch: `b${n % 3}` }));
        const stored = new Map<string, StoredEvent>();
        const append = async (batch: string, some: readonly StoredEvent[]) => {
          await store.append(batch, some);
          for (const one of some) stored.set(one.id, one);
        };
        const isRight = () => expectAnswers([store], [...stored.values()]);
        const expectKept = () =>
          eventually(async () => {
            reads = 0;
            await isRight();
            expect(reads).toBe(0);
          }, 30_000);
        const inBatch = (b: string) => all.filter(({ batch }) => batch === b);
        await append("b0", inBatch("b0"));
        await sealAll(store);
        // Nothing of this segment is dropped below, so questions go on reading segments.
        await append(
          "late",
          [14, 16].map((n) => ({ ...made(n), batch: "late" })),
        );
        await sealAll(store);
        await append("b1", inBatch("b1"));
        await append("b2", inBatch("b2").slice(0, 1));
        await isRight();
        await expectKept();

        await append("b2", inBatch("b2"));
        await isRight();
        await expectKept();

        const [gone] = inBatch("b1");
        await store.erase("p", [gone!], refusal);
        stored.delete(gone!.id);
        await isRight();
        await expectKept();

        // While events of a batch are dropped, nothing of it is kept.
        const floors = { ...noFloors, events: minute + 8 };
        while ((await store.drop("p", floors, 100)) > 0);
        for (const { id, timestamp } of all) if (timestamp < minute + 8) stored.delete(id);
        await isRight();
        const manifest = (await store.parts.manifest({ project: "p" }))!;
        expect(manifest).toMatchObject({
          segments: [{ rows: 2 }],
          unsealed: [{ batches: ["b1"] }],
        });
        expect(manifest.batches.toSorted()).toEqual(["b0", "b2"]);
      } finally {
        await harness.dispose();
      }
    });

    test("of many events in no segment a question reads what it needs, and what is kept then answers the same", async () => {
      const harness = await MongoHarness.behindCable(server.url, "monitorCommands=true");
      const opened = async () => {
        const store = await harness.open({ adoptsAfterMs: 0 });
        const reads: (readonly string[])[] = [];
        for (const client of store.clients) {
          client.on("commandStarted", ({ command }) => {
            const fields = (command["projection"] ?? {}) as object;
            if (command["find"] === "events") reads.push(Object.keys(fields).toSorted());
          });
        }
        return { store, reads };
      };
      try {
        const one = await opened();
        const text = "x".repeat(4_000);
        const held = Array.from({ length: 300 }, (_, n): StoredEvent => {
          const data = { ...(made(n).data as object), text };
          return { ...made(n), batch: `b${n % 4}`, data };
        });
        for (const [batch, some] of Map.groupBy(held, ({ batch }) => batch)) {
          await one.store.append(batch, some);
          if (batch === "b0") await sealAll(one.store);
        }
        one.reads.length = 0;
        const { result } = await one.store.analyze({ project: "p" }, funnel, patient);
        expect(result).toEqual(foldOver(foldOf(funnel), held));
        expect(one.reads[0]).toEqual(["_id", "timestamp", "type", "userId"]);

        const other = await opened();
        const told = await other.store.analyze({ project: "p" }, byPlan, patient);
        expect({ events: told.events, ...comparable(told.result) }).toEqual(
          folded(held, {}, byPlan),
        );
        expect(other.reads[0]).toContain("body");
        for (const { store, reads } of [one, other]) {
          await eventually(async () => {
            reads.length = 0;
            await expectAnswers([store], held);
            expect(reads).toEqual([]);
          }, 30_000);
        }
      } finally {
        await harness.dispose();
      }
    });

    test("what was stored by processes that announced nothing is sealed, once these have ended", async () => {
      const harness = await unwatched();
      try {
        const old = await harness.open();
        const held = Array.from({ length: 9 }, (_, n) => ({ ...made(n), batch: `b${n % 3}` }));
        for (const batch of ["b0", "b1", "b2"]) {
          await old.append(
            batch,
            held.filter((one) => one.batch === batch),
          );
        }
        const { db } = old;
        await db.collection("unsealed").deleteMany({});
        await old.seal(Date.now());
        await expectAnswers([old], held);
        expect(await db.collection("segments").countDocuments()).toBe(0);

        const store = await harness.open({ adoptsAfterMs: 0 });
        await sealAll(store);
        const [segment] = await db.collection("segments").find().toArray();
        expect(segment).toMatchObject({ rows: 9, isMarked: false });
        await expectAnswers([store], held);
      } finally {
        await harness.dispose();
      }
    });

    test("a batch whose processor died before it announced it is found once its minute is complete", async () => {
      const harness = await unwatched();
      try {
        const store = await harness.open({ adoptsAfterMs: 0 });
        const held = [1, 2, 3, 4].map((n) => ({ ...made(n), batch: n < 3 ? "b0" : "b1" }));
        await store.append("b0", held.slice(0, 2));
        await sealAll(store);
        await store.append("b1", held.slice(2));
        await store.db.collection("unsealed").deleteMany({});
        await store.complete({ project: "p", grain: "minute", start: minute }, ["b1"]);
        await expectAnswers([store], held);
        await sealAll(store);
        await expectAnswers([store], held);
        expect(await store.db.collection("unsealed").countDocuments()).toBe(0);
      } finally {
        await harness.dispose();
      }
    });

    test("each project's batches are sealed and built, also where a pass has time for one project", async () => {
      const harness = await unwatched();
      try {
        const store = await harness.open();
        const projects = ["p", "q", "r"];
        for (const project of projects) {
          for (const batch of ["b0", "b1"]) {
            await store.append(
              batch,
              [1, 2].map((n) => ({ ...event(`${batch} ${n}`, { project }), batch })),
            );
          }
        }
        const collections = collectionsOf(store.db);
        const sealer = new Sealer({ adoptsAfterMs: 0, segmentMaxEvents: 2, workMs: 0 });
        const pass = () => sealer.pass(collections, Date.now() + 86_400_000);
        const built = async () =>
          (await collections.segments.find({ isMarked: false }).toArray())
            .map(({ project }) => project)
            .toSorted();
        for (const _ of projects) await pass();
        expect(await built()).toEqual(projects);
        while ((await pass()).isMore);
        expect(await built()).toEqual(["p", "p", "q", "q", "r", "r"]);
      } finally {
        await harness.dispose();
      }
    });

    test("a segment that is made while its events are dropped is built once they are, whatever marks it", async () => {
      const harness = await unwatched();
      try {
        const store = await harness.open();
        const now = Date.now();
        for (const project of ["p", "q"]) {
          await store.append(
            "b",
            [1, 2].map((n) => ({ ...made(n, project), batch: "b" })),
          );
        }
        const collections = collectionsOf(store.db);
        const { unsealed, segments, events } = collections;
        await unsealed.updateMany({}, { $set: { at: now - 100_000_000 } });
        const rows = async () => {
          const found = await segments.find({ isMarked: false }).sort({ project: 1 }).toArray();
          return found.map(({ project, rows }) => [project, rows]);
        };
        await markBatches(collections, "p", ["b"], now, 60_000);
        await store.seal(now);
        expect(await rows()).toEqual([["q", 2]]);
        expect(await unsealed.countDocuments()).toBe(0);

        await markBatches(collections, "p", ["b"], now);
        await store.seal(now + 30_000);
        expect(await rows()).toEqual([["q", 2]]);

        // Whoever drops it dies before it marks the batch again.
        await events.deleteOne({ project: "p", id: "e1" });
        await store.seal(now + 61_000);
        expect(await rows()).toEqual([
          ["p", 1],
          ["q", 2],
        ]);
      } finally {
        await harness.dispose();
      }
    });

    test("a small batch waits for more, and is sealed after a day", async () => {
      const harness = await unwatched();
      try {
        const store = await harness.open({ adoptsAfterMs: 0 });
        await store.append("b", [made(1)]);
        await store.seal(Date.now());
        const segments = store.db.collection("segments");
        expect(await segments.countDocuments()).toBe(0);
        await sealAll(store);
        expect(await segments.countDocuments()).toBe(1);
        expect(await store.db.collection("unsealed").countDocuments()).toBe(0);
      } finally {
        await harness.dispose();
      }
    });

    test("an index leads to whatever it searches for, and no plan reads a whole collection", () => {
      expect(searches.unserved(declaredIndexes)).toEqual([]);
      expect(searches.scanning).toEqual([]);
    });
  });
}

segmentTests("mongo-java", startMongoJava);
segmentTests("ferretdb", startFerretdb);
