import { parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../lib/concurrency/thread-priority.ts";
import { buildPage } from "../lib/page/build-page.ts";

/** A thread of the gateway that builds the page, sends the result, and ends. */
if (parentPort === null) throw new Error("this is a worker thread's file");
lowerThreadPriority();
parentPort.postMessage(await buildPage(workerData as string));
