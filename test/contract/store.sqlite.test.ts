import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { storeContract } from "./store.contract.ts";

// `RUNS=500` asks 10,000 questions by hand: each of 500 histories is asked 20, both ways.
const runs = Number(process.env["RUNS"] ?? 12);

storeContract("the SQLite store", () => SqliteHarness.open(), { runs });
