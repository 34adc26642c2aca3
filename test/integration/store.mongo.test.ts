import { storeContract } from "../contract/store.contract.ts";
import { MongoHarness } from "../fixtures/mongo-store.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startFerretdb, startMongoJava, type RunningServer } from "../../tools/servers/servers.ts";

describeWith(["ferretdb"], "on FerretDB", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startFerretdb();
  });
  afterAll(() => server?.stop());

  // Over one connection: FerretDB 1 looks a document up and changes it in two steps, so of two
  // conditional writes at once both may happen. And few runs and events: each query there scans.
  const open = () => MongoHarness.behindCable(server.url, "maxPoolSize=1");
  storeContract("the MongoDB store, one request at a time", open, { runs: 2, many: 700 });
});

describeWith(["mongo-java"], "on mongo-java-server", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startMongoJava();
  });
  afterAll(() => server?.stop());

  storeContract("the MongoDB store", () => MongoHarness.behindCable(server.url), {
    runs: 10,
    many: 1_500,
  });
});

// A server of one's own, in a database that is removed afterwards.
const uri = process.env["MONGODB_URI"];
if (uri !== undefined) {
  describe("on the server of MONGODB_URI", () => {
    storeContract("the MongoDB store", () => Promise.resolve(new MongoHarness(uri)), {
      cannotBreak: "the server is not the tests' own",
    });
  });
}
