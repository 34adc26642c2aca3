import { jest } from "@jest/globals";
import type { BreakdownJob } from "../../lib/analytics/breakdown.ts";
import { readConfig } from "../../lib/config.ts";
import { analyze } from "../../lib/store/mongo-analyze.ts";
import { collectionsOf } from "../../lib/store/mongo-collections.ts";
import { canGroup } from "../../lib/store/mongo-grouping.ts";
import { openStore } from "../../lib/store/open.ts";
import { silent } from "../../lib/store/store-log.ts";
import { comparable } from "../contract/store-analyze.contract.ts";
import { event } from "../contract/store-harness.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../servers/servers.ts";

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
          "project correlationId timestamp id",
          "project timestamp id",
          "project type timestamp id",
          "project userId timestamp id",
        ],
        deltas: ["_id", "project minute"],
        dirty: ["_id", "grain markedAt turn", "project grain start"],
        rollups: ["_id", "project grain start"],
        days: ["_id", "project day"],
        pings: ["_id"],
        questions: ["_id", "project name"],
      });
    },
  );
});

describeWith(["ferretdb", "mongo-java"], "an analysis that the server can group for", () => {
  let servers: readonly RunningServer[];
  beforeAll(async () => {
    servers = await Promise.all([startFerretdb(), startMongoJava()]);
  });
  afterAll(() => Promise.all((servers ?? []).map((server) => server.stop())));

  const job = {
    kind: "breakdown",
    metrics: [{ op: "count" }, { op: "uniques" }],
    dimensions: [{ path: ["source"] }, { path: ["correlationId"] }],
    totals: true,
    maxGroups: 100,
  } as const satisfies BreakdownJob;
  const stored = Array.from({ length: 60 }, (_, n) =>
    event(`e${n}`, {
      type: n % 2 === 0 ? "a" : "b",
      source: ["web", "\ud800", "app"][n % 3]!,
      ...(n % 4 > 0 && { correlationId: `c${n % 4}` }),
      metadata: n % 5 > 0 ? { userId: `u${n % 7}` } : {},
    }),
  );

  test.each([0, 1])("is the same as one of the events themselves (server %i)", async (index) => {
    const harness = new MongoHarness(servers[index]!.url);
    const store = await harness.open();
    await store.append("b", stored);
    const collections = collectionsOf(store.db);
    expect(await canGroup(collections)).toBe(true);
    const aggregate = jest.spyOn(collections.events, "aggregate");
    const find = jest.spyOn(collections.events, "find");
    const filter = { project: "p", types: ["a"] };
    const grouped = await analyze(collections, filter, job, 60_000, true);
    expect([aggregate, find].map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
    const streamed = await analyze(collections, filter, job, 60_000, false);
    expect([aggregate, find].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    await harness.dispose();
    expect(grouped.events).toBe(30);
    expect(grouped.events).toBe(streamed.events);
    expect(comparable(grouped.result)).toEqual(comparable(streamed.result));
  });
});

interface MongoNamed {
  readonly db: { readonly databaseName: string };
  close(): Promise<void>;
}
