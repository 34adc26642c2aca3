import { parentPort, workerData } from "node:worker_threads";
import type { ThreadOptions } from "../lib/store/sqlite/verbs.ts";
import { serve } from "../lib/store/sqlite/serve.ts";

/**
 * A thread of `SqliteStore`: its writer or one of its readers, so that the event loop need not wait
 * for a disk.
 */
if (parentPort === null) throw new Error("this is a worker thread's file");
serve(parentPort, workerData as ThreadOptions);
