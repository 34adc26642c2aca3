import { deltasOf } from "../../lib/counting/delta.ts";
import { rolledUp } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { defaultPageLimits } from "../../lib/event/event-page.ts";
import type { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { acceptErasure, carryOut } from "../../lib/store/erasure-job.ts";
import { rollUp, storeBatch } from "../../lib/store/protocol.ts";
import { cells, delta, event, hour, minute, minuteMs, bucket } from "../contract/store-harness.ts";
import { Commands } from "../fixtures/mongo-commands.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

const dimensions = rolledUp([]);
const limits = { timeoutMs: 30_000 };
const counted = {
  kind: "breakdown",
  metrics: [{ op: "count" }],
  dimensions: [{ path: ["source"] }],
  totals: true,
  maxGroups: 10,
} as const;

async function keep(store: MongoStore, batch: string, events: readonly StoredEvent[]) {
  const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, dimensions);
  const done = { batch, project: "p", events, deltas: count(events) };
  await storeBatch(store, done, (owned) => Promise.resolve(count(owned)));
}

function commandsContract(open: () => Promise<MongoHarness>): void {
  let harness: MongoHarness;
  let store: MongoStore;
  let commands: Commands;
  beforeEach(async () => {
    harness = await open();
    store = await harness.open({ looksForFollowersMs: 0 });
    // From now on it knows for a while from when on the project keeps events.
    await store.append("b0", [event("e-first")]);
    commands = new Commands(...store.clients);
  });
  afterEach(() => harness.dispose());

  test("keeping a fresh batch takes five, whatever it holds", async () => {
    const events = Array.from({ length: 120 }, (_, i) =>
      event(`e${i}`, { timestamp: hour + (i % 30) * minuteMs }),
    );
    const sent = await commands.during(() => keep(store, "b1", events));
    expect(sent.map(({ name, collection }) => `${name} ${collection}`)).toEqual([
      "insert events",
      "update unsealed",
      "insert deltas",
      "update dirty",
      "update days",
    ]);
  });

  test("counting minutes anew reads the events of many of them at once", async () => {
    const events = Array.from({ length: 40 }, (_, i) =>
      event(`e${i}`, { timestamp: hour + (i % 20) * minuteMs }),
    );
    await keep(store, "b1", events);
    const minutes = Array.from({ length: 20 }, (_, i) => bucket(hour + i * minuteMs));
    const sent = await commands.during(() => store.recount(minutes));
    const reads = sent.filter(({ name }) => name === "find").map(({ collection }) => collection);
    expect(reads).toEqual(["folds", "deltas", "events", "jobs"]);
    const writes = sent.filter(({ name }) => name !== "find" && name !== "getMore");
    expect(writes.map(({ name, collection }) => `${name} ${collection}`)).toEqual([
      "insert folds",
      "update deltas",
      "update dirty",
      "update days",
    ]);
    for (const minute of minutes)
      expect((await store.sumDeltas(minute)).cells.types).toEqual({ "mail.opened": 2 });
  });

  test("an erasure takes as many, and reads as much, whatever else is stored", async () => {
    const day = 24 * 3_600_000;
    const start = (user: string) => hour + (user === "early" ? 10 : 20) * day;
    const of = (user: string) =>
      Array.from({ length: 40 }, (_, i) =>
        event(`${user}${i}`, {
          timestamp: start(user) + (i % 20) * minuteMs,
          metadata: { userId: i < 20 ? user : `other${i}` },
        }),
      );
    const erasing = async (user: string) => {
      await keep(store, `of-${user}`, of(user));
      const asked = { erasure: { kind: "eraseSubject", userId: user }, reusable: false } as const;
      const job = await acceptErasure(store, "p", `job-${user}`, asked, Date.now());
      const worker = { store, owner: "w", now: Date.now, isEnding: () => false };
      return commands.during(() => carryOut(worker, job, { erased: () => undefined }));
    };
    const told = (sent: Awaited<ReturnType<typeof erasing>>) =>
      sent.map(({ name, collection, documents }) => [name, collection, documents]);
    const early = await erasing("early");
    for (let batch = 0; batch < 3; batch++) {
      const others = Array.from({ length: 25 }, (_, i) =>
        event(`b${batch}-${i}`, {
          timestamp: hour + 30 * day + i * minuteMs,
          metadata: { userId: `other${i}` },
        }),
      );
      await keep(store, `b${batch + 10}`, others);
    }
    const late = await erasing("late");
    expect(told(late)).toEqual(told(early));
    const reads = early.filter(
      ({ name, collection }) => name === "find" && collection === "events",
    );
    // A search, the minutes that are counted anew, and a search that finds nothing any more.
    expect(reads.map(({ documents }) => documents)).toEqual([20, 20, 0]);
    expect(await store.countEvents({ project: "p", userId: "late" })).toBe(0);
  });

  test("erasing writes to the events once, whatever it erases, and looks once for notes", async () => {
    const events = Array.from({ length: 150 }, (_, i) =>
      event(`e${i}`, { timestamp: hour + (i % 50) * minuteMs }),
    );
    for (let at = 0; at < 5; at++) await keep(store, `b${at}`, events.slice(at * 30, at * 30 + 30));
    const gone = events.slice(0, 120).map(({ id, timestamp }, at) => {
      return { id, timestamp, batch: `b${Math.floor(at / 30)}` };
    });
    for (const some of [gone.slice(0, 1), gone]) {
      const sent = await commands.during(() =>
        store.erase("p", some, { at: Date.now(), reusable: false }),
      );
      expect(sent.map(({ name, collection }) => `${name} ${collection}`)).toEqual([
        "update events",
        "update unsealed",
        "update segments",
        "find quarantine",
        "insert deltas",
      ]);
      expect(sent[0]!.command["updates"]).toHaveLength(1);
    }
    expect(await store.countEvents({ project: "p" })).toBe(31);
  });

  test("one read tells who has an id, whether stored or in quarantine: it may move meanwhile", async () => {
    const held = { event: event("e2"), version: 1, findings: [] };
    await store.append("b1", [event("e1")], [held]);
    for (const [id, batch] of [
      ["e1", "b1"],
      ["e2", "b1"],
      ["e3", undefined],
    ] as const) {
      let found: Awaited<ReturnType<MongoStore["holder"]>>;
      const sent = await commands.during(async () => {
        found = await store.holder("p", id);
      });
      expect(found?.batch).toBe(batch);
      expect(sent.map(({ name, collection }) => `${name} ${collection}`)).toEqual(["find events"]);
    }
  });

  test("whoever follows what is stored costs a fresh batch three more", async () => {
    await store.tellOrder(60_000);
    const sent = await commands.during(() => keep(store, "b1", [event("e1")]));
    expect(sent.map(({ name, collection }) => `${name} ${collection}`)).toEqual([
      "insert events",
      "find feed",
      "findAndModify counters",
      "insert feed",
      "update unsealed",
      "insert deltas",
      "update dirty",
      "update days",
    ]);
  });

  test("where nobody follows, the first minute's batches cost one more, that looks for followers", async () => {
    const begun = await harness.open();
    const ownCommands = new Commands(...begun.clients);
    const toFeed = async (batch: string) => {
      const sent = await ownCommands.during(() => begun.append(batch, [event(batch)]));
      return sent
        .filter(({ collection }) => !["events", "jobs", "unsealed"].includes(collection))
        .map(({ name, collection }) => `${name} ${collection}`);
    };
    expect(await toFeed("b1")).toEqual(["find counters"]);
    await store.tellOrder(60_000);
    const told = ["find feed", "findAndModify counters", "insert feed"];
    expect(await toFeed("b2")).toEqual(["find counters", ...told]);
    expect(await toFeed("b3")).toEqual(told);
  });

  test("a pass takes as many, and reads as much, however many deltas were summed before", async () => {
    const passOver = async (from: number, count: number) => {
      const batches = Array.from({ length: count }, (_, i) =>
        delta(`b${from + i}`, cells({ a: 1 })),
      );
      await store.putDeltas(batches);
      await store.markDirty([bucket()]);
      return commands.during(() => rollUp(store, "minute", 10));
    };
    const told = (sent: Awaited<ReturnType<typeof passOver>>) =>
      sent.map(({ name, collection, documents }) => [name, collection, documents]);
    await passOver(0, 70);
    const early = await passOver(100, 40);
    for (let wave = 0; wave < 5; wave += 1) await passOver(1_000 + wave * 100, 70);
    const late = await passOver(10_000, 40);
    expect(told(late)).toEqual(told(early));
    expect(late.find(({ collection }) => collection === "deltas")?.documents).toBe(40);
    const { v, cells: sum } = await store.sumDeltas(bucket());
    expect([v, sum.types]).toEqual([500, { a: 500 }]);
  });

  test("a page of events with a property asks for as many as are wanted, whatever the order", async () => {
    const stored = Array.from({ length: 60 }, (_, i) =>
      event(`e${i}`, {
        timestamp: minute + i,
        // Of every fifth the body alone tells.
        data: { plan: i % 3 === 0 ? "pro" : "free", ...(i % 5 === 0 && { odd: "\ud800" }) },
      }),
    );
    await store.append("b1", stored);
    const where = [{ path: ["data", "plan"], op: "is", values: ["pro"] }] as const;
    const wanted = stored.filter((_, i) => i % 3 === 0).map(({ id }) => id);
    for (const order of ["asc", "desc"] as const) {
      const all = order === "asc" ? wanted : wanted.toReversed();
      const found: string[] = [];
      let after: StoredEvent | undefined;
      for (;;) {
        const query = { project: "p", where, order, limit: 7, after };
        let page: readonly StoredEvent[] = [];
        const sent = await commands.during(async () => (page = await store.events(query)));
        const [first] = sent;
        expect(first?.command["limit"]).toBe(7);
        for (const { documents } of sent) expect(documents).toBeLessThanOrEqual(12);
        found.push(...page.map(({ id }) => id));
        after = page.at(-1);
        if (page.length < 7) break;
      }
      expect(found).toEqual(all);
    }
  });

  test("whatever looks for events ends on the server in time; a single event is no search", async () => {
    await keep(store, "b1", [event("a"), event("b", { timestamp: hour })]);
    const where = [{ path: ["data", "plan"], op: "is", values: ["pro"] }] as const;
    for (const order of ["asc", "desc"] as const) {
      const page = { project: "p", order, limit: 5 };
      for (const more of [
        {},
        { where },
        { types: ["mail.opened"] },
        { correlationId: "c" },
        { userId: "u" },
        { after: event("a"), from: hour },
      ]) {
        await store.countEvents({ project: "p", ...more }, limits);
        await store.page({ ...page, ...more }, { ...defaultPageLimits, ...limits });
        await store.analyze({ project: "p", ...more }, counted, limits);
      }
    }
    const searches = commands.sent.filter(
      ({ name, collection, command }) =>
        ["find", "aggregate"].includes(name) &&
        collection === "events" &&
        !JSON.stringify(command).includes('"_id":'),
    );
    expect(searches.length).toBeGreaterThan(15);
    expect(searches.filter(({ command }) => command["maxTimeMS"] === undefined)).toEqual([]);
  });
}

const monitored = "monitorCommands=true";

describeWith(["mongo-java"], "the commands that mongo-java-server gets", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMongoJava();
  });
  afterAll(() => server?.stop());
  commandsContract(async () => new MongoHarness(server.url, monitored));
});

describeWith(["ferretdb"], "the commands that FerretDB gets", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startFerretdb();
  });
  afterAll(() => server?.stop());
  commandsContract(async () => new MongoHarness(server.url, `${monitored}&maxPoolSize=1`));
});

// A server of one's own, in a database that is removed afterwards.
const uri = process.env["MONGODB_URI"];
if (uri !== undefined) {
  describe("the commands that the server of MONGODB_URI gets", () => {
    commandsContract(async () => new MongoHarness(uri, monitored));
  });
}
