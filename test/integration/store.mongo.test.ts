import { storeContract } from "../contract/store.contract.ts";
import { declaredIndexes, Searches } from "../fixtures/mongo-searches.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

/** An index leads to all that the tests before have had a store search for. */
function servedContract(searches: Searches): void {
  test("an index leads to whatever it searches for, and no plan reads a whole collection", () => {
    expect(searches.unserved()).toEqual([]);
    expect(searches.scanning).toEqual([]);
    expect(searches.all.length).toBeGreaterThan(20);
  });
}

describeWith(["ferretdb"], "on FerretDB", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startFerretdb();
  });
  afterAll(() => server?.stop());

  // Over one connection: FerretDB 1 looks a document up and changes it in two steps, so of two
  // conditional writes at once both may happen. And one run of few events: each query there scans.
  const searches = new Searches();
  const open = async () =>
    (await MongoHarness.behindCable(server.url, "maxPoolSize=1")).watchedBy(searches);
  storeContract("the MongoDB store, one request at a time", open, { runs: 1, many: 700 });
  servedContract(searches);
});

describeWith(["mongo-java"], "on mongo-java-server", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMongoJava();
  });
  afterAll(() => server?.stop());

  const searches = new Searches();
  const open = async () => (await MongoHarness.behindCable(server.url)).watchedBy(searches);
  storeContract("the MongoDB store", open, { runs: 4, many: 1_000 });
  servedContract(searches);

  test("each index is needed: without it some search has none", () => {
    for (const [collection, own] of Object.entries(declaredIndexes)) {
      for (const index of own) {
        const others = { ...declaredIndexes, [collection]: own.filter((one) => one !== index) };
        const without = { collection, index, searches: searches.unserved(others).length };
        expect(without).not.toMatchObject({ searches: 0 });
      }
    }
  });
});

// A server of one's own, in a database that is removed afterwards.
const uri = process.env["MONGODB_URI"];
if (uri !== undefined) {
  describe("on the server of MONGODB_URI", () => {
    const searches = new Searches();
    const open = () => Promise.resolve(new MongoHarness(uri).watchedBy(searches));
    storeContract("the MongoDB store", open, { cannotBreak: "the server is not the tests' own" });
    servedContract(searches);
  });
}
