import type { BreakdownJob } from "../../lib/questions/query/breakdown.ts";
import { readConfig } from "../../lib/config.ts";
import { foldOf } from "../../lib/questions/folds.ts";
import { meets, type Predicate } from "../../lib/event/filter.ts";
import { analyze } from "../../lib/store/mongo/analyze.ts";
import { collectionsOf } from "../../lib/store/mongo/documents.ts";
import { matchOf } from "../../lib/store/mongo/events.ts";
import { canAggregate, pipelineOf } from "../../lib/store/mongo/pipeline.ts";
import { openStore } from "../../lib/store/open.ts";
import { silent } from "../../lib/log.ts";
import { comparable } from "../contract/store-analyze.contract.ts";
import { event } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

const open = (uri: string) => openStore(readConfig({ MONGODB_URI: uri }), silent);
const withPassword = (url: string) => url.replace("//", "//user:s3cret@");

/** Why a store is not opened. */
async function refusal(uri: string): Promise<string> {
  const error = await open(uri).then(
    async (store) => {
      await store.close();
      return new Error("it was opened");
    },
    (reason: unknown) => reason as Error,
  );
  expect(error.name).toBe("ConfigError");
  expect(error.message).toContain("MONGODB_URI");
  expect(error.message).not.toContain("s3c");
  expect(error.message).not.toContain("ret");
  return error.message;
}

describe("opening a store with MONGODB_URI", () => {
  test.each([
    "mongodb://user:s3c:ret@a/x",
    "mongodb://user:s3c@ret@a/x",
    "mongodb://user:s3c/ret@a/x",
    "mongodb://user:s3c?ret@a/x",
    "mongodb://user:s3c%ret@a/x",
    "mongodb://user:s3cret@a:99999/x",
    "mongodb+srv://user:s3cret@a:1/x",
  ])("of %s says what it must look like, without the password", async (uri) => {
    expect(await refusal(uri)).toContain("percent-encoded");
  });

  test("says which option is wrong", async () => {
    expect(await refusal("mongodb://user:s3cret@a/x?maxPoolSize=many")).toContain("maxPoolSize");
    expect(await refusal("mongodb://user:s3cret@a/x?color=blue")).toContain("color");
    const missing = "mongodb://user:s3cret@a/x?tls=true&tlsCAFile=/no/ca.pem";
    expect(await refusal(missing)).toContain("/no/ca.pem");
  });

  test.each([
    "mongodb://127.0.0.1:1/x",
    "mongodb://no.such.invalid/x",
    "mongodb+srv://no.such.invalid/x",
  ])("of %s, which cannot be reached, makes a store that says so", async (uri) => {
    const store = await open(uri);
    await expect(store.ping()).rejects.toMatchObject({ type: "STORE_UNAVAILABLE" });
    await store.close();
  });
});

describeWith(["ferretdb", "mongo-java"], "opening a store with MONGODB_URI on a server", () => {
  let ferretdb: RunningServer;
  let mongoJava: RunningServer;
  beforeAll(async () => {
    [ferretdb, mongoJava] = await Promise.all([startFerretdb(), startMongoJava()]);
  });
  afterAll(() => Promise.all([ferretdb?.stop(), mongoJava?.stop()]));

  test("says that the password is refused, without it", async () => {
    expect(await refusal(withPassword(ferretdb.url))).toContain("user and password");
    expect(await refusal(withPassword(mongoJava.url))).toContain("it may know no users");
  });

  test("says that a database cannot have this name", async () => {
    expect(await refusal(`${ferretdb.url}.x`)).toContain("Database names cannot");
    expect(await refusal(`${ferretdb.url}$x`)).toContain("cannot have this name");
  });

  test("uses the URI's database, else one named like the cluster", async () => {
    const names = async (path: string) => {
      const url = new URL(mongoJava.url);
      url.pathname = path;
      const config = readConfig({ MONGODB_URI: url.href, CLUSTER_NAME: "my-cluster" });
      const store = (await openStore(config, silent)) as unknown as MongoNamed;
      await store.close();
      return store.db.databaseName;
    };
    expect(await names("/orders")).toBe("orders");
    expect(await names("")).toBe("my-cluster");
  });

  test.each(["ferretdb", "mongo-java"])(
    "makes the indexes, also several at once (%s)",
    async (name) => {
      const { url } = name === "ferretdb" ? ferretdb : mongoJava;
      const harness = new MongoHarness(url);
      const [store] = await Promise.all([harness.open(), harness.open(), harness.open()]);
      await harness.open();
      await store.ping();
      const found = new Map<string, string[]>();
      for (const { name: collection } of await store.db.listCollections().toArray()) {
        const indexes = await store.db.collection(collection).indexes();
        found.set(collection, indexes.map(({ key }) => Object.keys(key).join(" ")).sort());
      }
      await harness.dispose();
      expect(Object.fromEntries(found)).toEqual({
        events: [
          "_id",
          "project batch",
          "project correlationId timestamp id",
          "project timestamp id",
          "project type timestamp id",
          "project userId timestamp id",
        ],
        deltas: ["_id", "project minute folded"],
        dirty: ["_id", "grain markedAt turn", "project grain start"],
        rollups: ["_id", "project grain start"],
        days: ["_id", "project day"],
        feed: ["_id", "n"],
        pings: ["_id"],
        quarantine: [
          "_id",
          "event",
          "project receivedAt id",
          "project type receivedAt id",
          "project userId receivedAt id",
        ],
        schemas: ["_id", "hasCurrent project type", "project"],
        keys: ["_id", "project createdAt", "revoked endsAt"],
        acts: ["_id", "project id"],
        fenced: ["_id", "subject"],
        jobs: ["_id", "isOpen id", "project id", "project isOpen id"],
        questions: ["_id", "project name"],
        segments: ["_id", "isMarked dueAt", "project batches", "project to"],
        bundles: ["_id", "project first", "project to"],
        unsealed: ["_id", "project at"],
      });
    },
  );
});

describeWith(["ferretdb", "mongo-java"], "an analysis that is pushed down", () => {
  let servers: readonly RunningServer[];
  beforeAll(async () => {
    servers = await Promise.all([startFerretdb(), startMongoJava()]);
  });
  afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())));

  const hourMs = 3_600_000;
  const start = Date.UTC(1969, 11, 31, 20);
  const stored = Array.from({ length: 60 }, (_, n) =>
    event(`e${n}`, {
      type: n % 2 === 0 ? "a" : "b",
      timestamp: start + n * 10 * 60_000 + 1,
      source: ["web", "\ud800", "app"][n % 3]!,
      ...(n % 4 > 0 && { correlationId: `c${n % 4}` }),
      metadata: n % 5 > 0 ? { userId: `u${n % 7}` } : {},
      // A text that has no place in BSON: of this event the body alone tells.
      data: { plan: n === 7 ? "\ud800" : n % 2, price: n / 10, tags: [{ plan: 1 }] },
    }),
  );
  const jobOf = (
    metrics: BreakdownJob["metrics"],
    dimensions: BreakdownJob["dimensions"],
    hours = 2,
  ): BreakdownJob => ({
    kind: "breakdown",
    metrics,
    dimensions,
    periods: Array.from({ length: 10 / hours }, (_, i) => ({
      start: start + i * hours * hourMs + (i === 0 ? 1 : 0),
      end: start + (i + 1) * hours * hourMs,
    })),
    totals: true,
    maxGroups: 100,
  });
  const counted: BreakdownJob["metrics"] = [{ op: "count" }, { op: "uniques" }];
  const plan = { path: ["data", "plan"] } as const;
  const isFree = { path: ["data", "plan"], op: "is", values: [0] } as const;
  const isCheap = { path: ["data", "price"], op: "lt", value: 3 } as const;
  const isApp = { path: ["source"], op: "starts_with", value: "a" } as const;

  test.each<[string, BreakdownJob, readonly Predicate[], sent: number]>([
    ["fields", jobOf(counted, [{ path: ["source"] }, { path: ["correlationId"] }]), [], 60],
    ["a property", jobOf([{ op: "count" }], [plan]), [], 3],
    ["a property by the time", jobOf([{ op: "count" }], [plan, { time: true }]), [], 21],
    ["what is cheap", jobOf([{ op: "count" }], [{ path: ["type"] }]), [isCheap], 3],
    [
      "a sum of what is free",
      jobOf([{ op: "sum", path: ["data", "price"] }], [plan]),
      [isFree],
      31,
    ],
    ["what no server tells", jobOf(counted, [plan, { time: true }]), [isApp, isCheap], 30],
  ])("asks for %s alone", async (_, job, where, sent) => {
    const filter = { project: "p", where };
    const harness = new MongoHarness(servers[1]!.url);
    const store = await harness.open();
    await store.append("b", stored);
    const collections = collectionsOf(store.db);
    const isPossible = await canAggregate(collections);
    const { stages } = pipelineOf(matchOf(filter), foldOf(job).columns, job);
    const rows = await collections.events.aggregate([...stages]).toArray();
    const told = await analyze(collections, filter, job, { timeoutMs: 60_000 }, { pushDown: true });
    const whole = await analyze(
      collections,
      filter,
      job,
      { timeoutMs: 60_000 },
      { pushDown: false },
    );
    await harness.dispose();
    expect(isPossible).toBe(true);
    expect(rows.length).toBeLessThanOrEqual(sent);
    expect(rows.filter((row) => JSON.stringify(row).includes("tags")).length).toBeLessThan(2);
    const expected = stored.filter((one) => where.every((predicate) => meets(one, predicate)));
    expect(told.events).toBe(expected.length);
    expect(whole.events).toBe(expected.length);
    expect(comparable(told.result)).toEqual(comparable(whole.result));
  });

  test("is not where the server cannot do that, and the events come whole", async () => {
    const harness = new MongoHarness(servers[0]!.url);
    const store = await harness.open();
    await store.append("b", stored);
    expect(await canAggregate(collectionsOf(store.db))).toBe(false);
    const job = jobOf([{ op: "count" }], [plan]);
    const { events, result } = await store.analyze({ project: "p" }, job, { timeoutMs: 60_000 });
    await harness.dispose();
    expect(events).toBe(60);
    expect(result.groups).toHaveLength(3);
  });
});

interface MongoNamed {
  readonly db: { readonly databaseName: string };
  close(): Promise<void>;
}
