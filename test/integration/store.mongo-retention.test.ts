import { noFloors } from "../../lib/counting/floors.ts";
import type { HeldEvent } from "../../lib/event/schemas/held.ts";
import { collectionsOf, type Collections } from "../../lib/store/mongo/documents.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { drop } from "../../lib/store/mongo/retention.ts";
import { dayMs, event, minute } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

const floors = { ...noFloors, events: minute };

function held(id: string, timestamp: number): HeldEvent {
  const findings = [{ pointer: "/data", code: "type", message: "is no object" }];
  return { event: event(id, { timestamp }), version: 1, findings };
}

/** The collections of a store where something happens before the next writes to `events`. */
function before(store: MongoStore, happens: () => Promise<unknown>): Collections {
  const collections = collectionsOf(store.db);
  const events = new Proxy(collections.events, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "bulkWrite") return value.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        await happens();
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  return { ...collections, events };
}

describeWith(["mongo-java"], "quarantine under retention", () => {
  let server: RunningServer;
  let harness: MongoHarness;
  let store: MongoStore;
  beforeAll(async () => {
    server = await startMongoJava();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    harness = await MongoHarness.behindCable(server.url);
    store = await harness.open();
  });
  afterEach(() => harness.dispose());

  const listed = async () => {
    const found = await store.quarantine.list({ project: "p", limit: 10 });
    return found.map(({ held: { event: one }, revision }) => [one.id, one.timestamp, revision]);
  };

  test("an event that is patched in the moment in which it would be dropped stays, and is listed", async () => {
    await store.append("b", [], [held("a", minute - dayMs), held("b", minute - dayMs)]);
    const patched = held("a", minute + 1);
    const collections = before(store, () => store.quarantine.amend(patched, 1));
    await drop(collections, "p", floors, 100);
    expect(await listed()).toEqual([["a", minute + 1, 2]]);
    expect(await store.drop("p", floors, 100)).toBe(0);
    expect(await listed()).toEqual([["a", minute + 1, 2]]);
  });

  test("events whose notes an earlier version wrote are looked at once", async () => {
    await store.append("b", [], [held("old", minute - dayMs), held("new", minute)]);
    const notes = store.db.collection("quarantine");
    await notes.updateMany({}, { $unset: { timestamp: "" } });
    expect(await store.drop("p", floors, 100)).toBe(1);
    expect(await listed()).toEqual([["new", minute, 1]]);
    expect(await notes.find().toArray()).toMatchObject([{ id: "new", timestamp: minute }]);
  });
});
