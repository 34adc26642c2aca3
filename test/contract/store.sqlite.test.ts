import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { storeContract } from "./store.contract.ts";

storeContract("the SQLite store", () => SqliteHarness.open());
