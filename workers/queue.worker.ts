import { parentPort, workerData } from "node:worker_threads";
import { QueueEngine } from "../lib/queue/embedded/engine.ts";
import type { EngineOptions } from "../lib/queue/embedded/protocol.ts";

/** The thread of `EmbeddedQueue`: waits for the disk so that the event loop need not. */
if (parentPort === null) throw new Error("this is a worker thread's file");
new QueueEngine(workerData as EngineOptions, parentPort).start();
