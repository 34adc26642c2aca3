import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { collectionsOf } from "../../lib/store/mongo/documents.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { manifestOf } from "../../lib/store/mongo/segments/manifest.ts";
import { always, dayMs, event, hour, hourMs } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { sealAll } from "../fixtures/sealed-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

describeWith(["mongo-java"], "where the clock was set back", () => {
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

  test("a segment that was put off before is built", async () => {
    const store = await harness.open();
    await store.append("b", [event("a"), event("b")]);
    await sealAll(store);
    const { segments } = collectionsOf(store.db);
    const isMarked = async () => (await segments.find().toArray()).map((one) => one.isMarked);
    expect(await isMarked()).toEqual([false]);
    const mark = (dueAt: number) => segments.updateMany({}, { $set: { isMarked: true, dueAt } });
    const now = Date.now();
    await mark(now + 60_000);
    await store.seal(now);
    expect(await isMarked()).toEqual([true]);
    await mark(now + dayMs);
    await store.seal(now);
    expect(await isMarked()).toEqual([false]);
  });

  test("a batch that was put off before is read as columns", async () => {
    const store = await harness.open();
    await store.append("b", [event("a"), event("b")]);
    const now = Date.now();
    const apart = async (dueAt: number) => {
      await store.db.collection("unsealed").updateMany({}, { $set: { dueAt } });
      return (await manifestOf(collectionsOf(store.db), { project: "p" }, now))?.batches;
    };
    expect(await apart(now + 60_000)).toEqual(["b"]);
    expect(await apart(now + dayMs)).toEqual([]);
  });

  test("a batch is counted whose minutes were compacted by a clock that was a day ahead", async () => {
    const store = await harness.open();
    const now = Date.now();
    const keep = (to: MongoStore, age: number) => {
      const hex = (now - age).toString(16).padStart(12, "0");
      const batch = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
      const events = [event(`e${age}`, { batch })];
      const deltas = deltasOf(batch, "p", events, builtInDimensions);
      return storeBatch(to, { batch, project: "p", events, deltas }, () => {
        throw new Error("each event is the batch's own");
      });
    };
    for (let age = 0; age < 5; age += 1) await keep(store, age);
    await rollUpAll(store, 100);
    const { deltas } = await store.compact("p", { from: hour, to: hour + hourMs }, now, 10);
    expect(deltas).toBe(4);
    // A process that looks for the bound from now on: others rely on the one before for a while.
    await keep(await harness.open(), 60_000);
    await rollUpAll(store, 100);
    const rollups = await store.rollups("p", "day", [always], "types");
    expect(rollups.map(({ cells }) => cells)).toEqual([{ "mail.opened": 6 }]);
  });

  test("batches that nobody announced are sealed once the grace is over, by the clock of now", async () => {
    const store = await harness.open({ adoptsAfterMs: hourMs });
    await store.append("b", [event("a"), event("b")]);
    await store.db.collection("unsealed").deleteMany({});
    const segments = store.db.collection("segments");
    const now = Date.now();
    await store.seal(now + dayMs);
    await store.seal(now);
    expect(await segments.countDocuments()).toBe(0);
    await store.seal(now + hourMs);
    expect(await segments.countDocuments()).toBe(1);
  });
});
