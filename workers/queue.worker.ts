import { parentPort, workerData } from "node:worker_threads";
import { QueueEngine } from "../lib/queue/embedded/engine.ts";
import type { EngineOptions, Notice, Requests } from "../lib/queue/embedded/protocol.ts";
import { NewerSchema } from "../lib/sqlite/schema-steps.ts";

/** The thread of `EmbeddedQueue`: waits for the disk so that the event loop need not. */
if (parentPort === null) throw new Error("this is a worker thread's file");
const port = parentPort;

function post(notice: Notice, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(notice, transfer);
  if (notice.kind === "closed") port.close();
}

const engine = new QueueEngine(workerData as EngineOptions, post);
try {
  engine.start();
  port.on("message", (requests: Requests) => engine.receive(requests));
} catch (error) {
  if (!(error instanceof NewerSchema)) throw error;
  post({ kind: "unfit", reason: error.message });
}
