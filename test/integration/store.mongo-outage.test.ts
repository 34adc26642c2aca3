import { setImmediate } from "node:timers/promises";
import { always, bucket, event, unavailable } from "../contract/store-harness.ts";
import { calls } from "../contract/store-outage.contract.ts";
import { eventually } from "../support/eventually.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";
import { chance } from "../support/shop-log.ts";

describeWith(["ferretdb"], "a MongoDB store whose server is killed", () => {
  let server: RunningServer;
  let harness: MongoHarness;
  beforeAll(async () => {
    server = await startFerretdb();
    harness = new MongoHarness(server.url, "maxPoolSize=1&serverSelectionTimeoutMS=500");
  });
  afterAll(async () => {
    await harness?.dispose();
    await server?.stop();
  });

  test("refuses what is pending and works again by itself; nothing acknowledged is lost", async () => {
    const store = await harness.open();
    harness.logged.length = 0;
    const batches = Array.from({ length: 30 }, (_, b) =>
      Array.from({ length: 5 }, (_, i) => event(`e${b}-${i}`)),
    );
    const kept = new Set<number>();
    const first = Promise.withResolvers<void>();
    const appends = batches.map(async (events, b) => {
      await store.append(`b${b}`, events);
      kept.add(b);
      first.resolve();
    });
    const settled = Promise.allSettled(appends);
    await first.promise;
    await server.kill();
    const failures = (await settled).filter((result) => result.status === "rejected");
    expect(failures.length).toBeGreaterThan(0);
    for (const { reason } of failures) expect(reason).toMatchObject(unavailable);
    await expect(store.ping()).rejects.toMatchObject(unavailable);
    await expect(store.sumDeltas(bucket())).rejects.toMatchObject(unavailable);

    await server.restart();
    await eventually(() => store.ping());
    for (const b of kept) {
      for (const { id } of batches[b]!) {
        expect(await store.event("p", id)).toMatchObject({ batch: `b${b}` });
      }
    }
    for (const [b, events] of batches.entries()) {
      expect((await store.append(`b${b}`, events)).owned.size).toBe(events.length);
    }
    expect(await store.countEvents({ project: "p" })).toBe(150);
    expect(harness.logged).toEqual(["error: store is away", "info: store is back"]);
  });

  test("that is not there yet is found later, with its indexes", async () => {
    await server.kill();
    const store = harness.create();
    await store.open();
    await expect(store.fingerprint("p", always)).rejects.toMatchObject(unavailable);
    await server.restart();
    await eventually(() => store.ping());
    const indexes = await store.db.collection("rollups").indexes();
    expect(indexes).toHaveLength(2);
  });
});

describeWith(["mongo-java"], "a MongoDB store", () => {
  let server: RunningServer;
  let harness: MongoHarness;
  beforeAll(async () => {
    server = await startMongoJava();
    const waits = "heartbeatFrequencyMS=500&connectTimeoutMS=500&serverSelectionTimeoutMS=500";
    harness = new MongoHarness(server.url, waits);
  });
  afterAll(async () => {
    server?.thaw();
    await harness?.dispose();
    await server?.stop();
  });

  test("makes its indexes again on a server that came back without its data", async () => {
    const store = await harness.open({ prepareEveryMs: 0 });
    await server.kill();
    await expect(store.ping()).rejects.toMatchObject(unavailable);
    await server.restart();
    await eventually(async () => {
      await store.ping();
      expect(await store.db.collection("events").indexes()).toHaveLength(6);
    });
  });

  test("refuses with STORE_UNAVAILABLE whatever the end of its connections interrupts, at any point", async () => {
    // Reads are not tried a second time here, so that each is seen to be interrupted.
    const waits = "heartbeatFrequencyMS=500&serverSelectionTimeoutMS=2000&retryReads=false";
    const cut = await MongoHarness.behindCable(server.url, waits);
    try {
      const store = await cut.open();
      await store.append("b1", [event("a")]);
      const random = chance(1);
      const refused = new Set<string>();
      for (let round = 0; round < 8; round += 1) {
        const pending = Object.entries(calls).map(async ([name, call]) => {
          const failure = await call(store).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (failure === undefined) return;
          expect([name, failure]).toEqual([name, expect.objectContaining(unavailable)]);
          refused.add(name);
        });
        // Connections are being made, written to and read from after some turns of the event loop or others.
        for (let turns = Math.floor(random() * 20); turns > 0; turns -= 1) await setImmediate();
        const mend = await cut.breakIt();
        await setImmediate();
        await mend();
        await Promise.all(pending);
      }
      expect(refused.size).toBeGreaterThan(Object.keys(calls).length / 2);
      await eventually(() => store.ping());
    } finally {
      await cut.dispose();
    }
  }, 120_000);

  test("whose server answers nothing refuses what is pending as soon as that is noticed, and works again by itself", async () => {
    const store = await harness.open();
    await store.append("b1", [event("a")]);
    server.freeze();
    // A call or two may still be answered while the process is being stopped.
    const calls = [() => store.event("p", "a"), () => store.append("b2", [event("b")])];
    await Promise.all(
      calls.map((call) => eventually(() => expect(call()).rejects.toMatchObject(unavailable))),
    );
    server.thaw();
    await eventually(() => store.ping());
    expect((await store.append("b2", [event("b")])).owned).toEqual(new Set(["b"]));
  });
});
