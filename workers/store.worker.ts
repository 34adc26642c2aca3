import { parentPort, workerData } from "node:worker_threads";
import { mendJsonParse } from "../lib/json-keys.ts";
import { serve } from "../lib/store/sqlite/serve.ts";
import type { ThreadOptions } from "../lib/store/sqlite/verbs.ts";

/** A thread of `SqliteStore`: it waits for the disk so that the event loop need not. */
mendJsonParse();
if (parentPort === null) throw new Error("this is a worker thread's file");
serve(parentPort, workerData as ThreadOptions);
