import { parentPort, workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../lib/concurrency/thread-load.ts";
import { buildPage } from "../lib/page/build-page.ts";
import { keepPage, keptPageFile } from "../lib/page/kept-page.ts";

/**
 * A thread of the gateway that builds the page, sends the result, keeps it for later processes, and
 * ends. As a program, with the page's folder as its argument, it only keeps the result: so does the
 * container's build.
 */
lowerThreadPriority();
const folder = parentPort === null ? process.argv[2] : (workerData as string);
if (folder === undefined) throw new Error("the page's folder is missing");
const file = await keptPageFile(folder);
const page = await buildPage(folder);
parentPort?.postMessage(page);
// Where a source changed meanwhile, it is not known which of both the page is made of.
if ((await keptPageFile(folder)) === file) {
  const kept = keepPage(file, page);
  // A service that may not write there makes the page at each start.
  await (parentPort === null ? kept : kept.catch(() => undefined));
}
