import { record, type Cells } from "../../lib/counting/cells.ts";
import { deltasOf, keyCells } from "../../lib/counting/delta.ts";
import { rolledUp } from "../../lib/counting/dimensions.ts";
import { noFloors } from "../../lib/counting/floors.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { audit } from "../../lib/store/audit.ts";
import { fieldOf } from "../../lib/store/mongo/sections.ts";
import { projectionOf } from "../../lib/store/mongo/rollup-parts.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import {
  always,
  bare,
  bucket,
  cells,
  delta,
  event,
  hour,
  hourMs,
  minute,
  minuteMs,
} from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

const dimensions = rolledUp(["data.plan"]);
const grains = ["minute", "hour", "day"] as const;

describeWith(["mongo-java"], "a MongoDB database that several processes share", () => {
  let server: RunningServer;
  let harness: MongoHarness;
  beforeAll(async () => {
    server = await startMongoJava();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    harness = await MongoHarness.behindCable(server.url);
  });
  afterEach(() => harness.dispose());

  test("counts each event once, whoever stores it how often and rolls up when", async () => {
    const stores = await Promise.all([harness.open(), harness.open(), harness.open()]);
    // Each batch begins with events of the one before it.
    const batches = Array.from({ length: 16 }, (_, b) =>
      Array.from({ length: 20 }, (_, i) => {
        const n = b * 15 + i;
        return event(`e${n}`, {
          type: `t${n % 3}`,
          timestamp: hour + (n % 8) * 13 * minuteMs,
          data: { plan: `plan ${n % 4}` },
        });
      }),
    );
    const deliver = async (b: number, at: number) => {
      const batch = `b${b}`;
      const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, dimensions);
      const done = { batch, project: "p", events: batches[b]!, deltas: count(batches[b]!) };
      await storeBatch(stores[at]!, done, (owned) => Promise.resolve(count(owned)));
      await Promise.all(grains.map((grain) => rollUp(stores[(at + 1) % 3]!, grain, 3)));
    };
    const deliveries = batches.flatMap((_, b) => [deliver(b, b % 3), deliver(b, (b + 1) % 3)]);
    await Promise.all(deliveries);
    await Promise.all(stores.map((store) => rollUpAll(store, 4)));

    const [store] = stores;
    const auditing = { store, now: Date.now, repairs: false };
    const report = await audit(auditing, "p", { from: hour, to: hour + 120 * minuteMs });
    expect(report).toMatchObject({ buckets: 10, drift: [] });
    const events = 15 * 15 + 20;
    expect(await store.countEvents({ project: "p" })).toBe(events);
    for (const grain of grains) {
      const rows = await store.rollups("p", grain, [always], "data.plan");
      expect(rows.every(({ exact }) => exact)).toBe(true);
      const counts = rows.flatMap((row) => Object.values(row.cells).map(sumOf));
      expect(counts.reduce((total, count) => total + count, 0)).toBe(events);
    }
    expect(await store.dirtyBacklog()).toEqual({ marks: 0, oldestMarkedAt: null });
  });

  test("has other fingerprints with every finished batch, also where an attempt before stored its events", async () => {
    const [store, other] = await Promise.all([harness.open(), harness.open()]);
    const range = { from: minute, to: minute + minuteMs };
    const seen = [await store.fingerprint("p", range)];
    for (const each of [store, other]) {
      await each.append("b1", [event("a")]);
      await each.markDirty([bucket()]);
      seen.push(await store.fingerprint("p", range));
    }
    expect(new Set(seen).size).toBe(3);
  });

  test("takes the same ids in opposite orders from two writers, and from twenty at once", async () => {
    const stores = await Promise.all([harness.open(), harness.open()]);
    const events = Array.from({ length: 500 }, (_, i) =>
      event(`e${i}`, { timestamp: hour + (i % 40) * minuteMs }),
    );
    const minutes = Array.from({ length: 40 }, (_, i) => bucket(hour + i * minuteMs));
    const writers = Array.from({ length: 20 }, (_, i) => i);
    const ownerships = await Promise.all(
      writers.map(async (i) => {
        const store = stores[i % 2]!;
        const turned = <T>(all: readonly T[]) => (i % 2 === 0 ? all : all.toReversed());
        const { owned, foreign } = await store.append(`b${i}`, turned(events));
        await store.putDeltas(turned(minutes.map(({ start }) => delta("b", cells({}), start))));
        await store.markDirty(turned(minutes));
        expect(owned.size + foreign.length).toBe(events.length);
        return [...owned];
      }),
    );
    expect(ownerships.flat().sort()).toEqual(events.map(({ id }) => id).sort());
    expect((await stores[0].marks("p", always)).minute).toEqual(minutes.map(({ start }) => start));
    expect(await stores[0].countEvents({ project: "p" })).toBe(events.length);
  });

  describe("a rollup that is too large for one document", () => {
    const maxRollupBytes = 1_000;
    const names = ["source", "data.a", "data.b"];
    const wide = (v: number): Cells => {
      const values = bare(
        Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`é😀 ${i}`, v])),
      );
      const ofDimension = names.map((name) => [name, bare({ a: values })]);
      return {
        types: bare({ a: 200 * v }),
        users: record(),
        dimensions: bare(Object.fromEntries(ofDimension) as Cells["dimensions"]),
      };
    };

    test("is kept in parts and read as if it were not", async () => {
      const store = await harness.open({ maxRollupBytes });
      const parts = () => store.db.collection("rollup_parts").countDocuments();
      await store.writeRollup(bucket(), { v: 1, cells: wide(1) });
      expect(await parts()).toBeGreaterThan(names.length);
      for (const name of names) {
        const [row] = await store.rollups("p", "minute", [always], name);
        expect(row).toEqual({ start: minute, cells: wide(1).dimensions[name], exact: true });
      }
      const [types] = await store.rollups("p", "minute", [always], "types");
      expect(types!.cells).toEqual({ a: 200 });
      const [other] = await store.rollups("p", "minute", [always], "data.c");
      expect(other!.cells).toEqual({ a: { "(other)": 200 } });
      expect(await store.sumChildren(bucket(hour, "hour"))).toEqual({ v: 1, cells: wide(1) });
      const before = await parts();
      await store.writeRollup(bucket(), { v: 1, cells: wide(2) });
      expect(await parts()).toBe(before);
      await store.writeRollup(bucket(), { v: 2, cells: cells({ a: 1 }) });
      expect(await parts()).toBe(0);
    });

    test("is seen whole while others write it, and leaves nothing behind", async () => {
      const store = await harness.open({ maxRollupBytes });
      const versions = Array.from({ length: 24 }, (_, i) => i + 1);
      const writes = versions.map((v) => store.writeRollup(bucket(), { v, cells: wide(v) }));
      const reads = versions.map(async (v) => {
        await writes[v - 1];
        return Promise.all([
          store.sumChildren(bucket(hour, "hour")),
          store.rollups("p", "minute", [always], "data.a"),
        ]);
      });
      for (const [sum, [row]] of await Promise.all(reads)) {
        expect(sum.cells).toEqual(wide(sum.v));
        const values = row!.cells["a"]!;
        expect(new Set(Object.values(values)).size).toBe(1);
      }
      expect((await store.sumChildren(bucket(hour, "hour"))).v).toBe(24);
      const parts = await store.db.collection("rollup_parts").find().toArray();
      const nonces = new Set(parts.map(({ _id }) => String(_id).split("|")[3]));
      expect(nonces.size).toBe(1);
    });
  });

  test("a minute whose count is too large for one document is counted anew all the same", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `data.d${i}`);
    const store = await harness.open({ dimensions: names });
    const parts = () => store.db.collection("rollup_parts").find().toArray();
    const value = (n: number, i: number) => `${n} ${i} `.padEnd(250, "記");
    const dataOf = (n: number) =>
      Object.fromEntries(names.map((name, i) => [name.slice("data.".length), value(n, i)]));
    const all = Array.from({ length: 2_000 }, (_, n) =>
      event(`e${n}`, { batch: `b${n % 4}`, data: dataOf(n) }),
    );
    const batches = ["b0", "b1", "b2", "b3"];
    for (const batch of batches) {
      await store.append(
        batch,
        all.filter((one) => one.batch === batch),
      );
    }
    await store.complete(bucket(), batches);
    await store.recount([bucket()]);
    const expectCounted = async (some: readonly StoredEvent[]) => {
      const expected = keyCells(some, names);
      const { cells } = await store.sumDeltas(bucket());
      expect(cells.types).toEqual(expected.types);
      for (const name of names) {
        expect(cells.dimensions[name]).toEqual(expected.dimensions[name]);
      }
      const [row] = await store.deltaSums("p", [minute], names[0]!);
      expect(row!.cells).toEqual(expected.dimensions[names[0]!]);
      const nonces = new Set((await parts()).map(({ _id }) => String(_id).split("|")[3]));
      expect(nonces.size).toBe(1);
    };
    await expectCounted(all);
    await store.erase("p", [all[0]!], { at: minute + 1_000, reusable: false });
    await store.recount([bucket()]);
    await expectCounted(all.slice(1));

    const floors = { ...noFloors, events: hour + hourMs, minutes: hour + hourMs };
    while ((await store.drop("p", floors, 1_000)) > 0);
    expect(await parts()).toEqual([]);
  });

  test("reading a section leaves the others of a rollup on the server, dots in its name or not", async () => {
    const store = await harness.open();
    const plans = bare({ a: bare({ pro: 1 }) });
    const dotted = { ...cells({ a: 1 }), dimensions: bare({ source: plans, "data.plan": plans }) };
    await store.writeRollup(bucket(), { v: 1, cells: dotted });
    const ofAnother = { ...delta("b1", dotted), bucket: bucket(minute, "minute", "q") };
    await store.putDeltas([delta("b1", dotted), ofAnother]);
    expect((await store.sumDeltas(ofAnother.bucket)).v).toBe(1);
    const row = { start: minute, cells: plans, exact: true };
    for (const section of ["source", "data.plan"]) {
      expect(await store.rollups("p", "minute", [always], section)).toEqual([row]);
      expect(await store.deltaSums("p", [minute], section)).toEqual([row]);
      const [part] = await store.db
        .collection("rollups")
        .find({}, { projection: projectionOf([fieldOf(section)]) })
        .toArray();
      expect(Object.keys(part!["sections"] as object)).toEqual([fieldOf(section)]);
    }
  });
});

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
