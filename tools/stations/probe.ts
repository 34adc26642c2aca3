/**
 * Loaded into each thread of a service (`node --import`): counts the calls of its functions. At
 * SIGUSR2 every thread writes the files of which a function ran since the last signal.
 */
import { writeFileSync } from "node:fs";
import { Session, type Profiler } from "node:inspector";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BroadcastChannel, isMainThread, threadId } from "node:worker_threads";

const root = join(import.meta.dirname, "../..");
const folder = process.env["STATIONS_FOLDER"];
const session = new Session();
const channel = new BroadcastChannel("stations");

session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

/** The project's own files of which a function ran since the last call. */
function filesThatRan(then: (files: readonly string[]) => void): void {
  session.post(
    "Profiler.takePreciseCoverage",
    (_error: Error | null, { result }: Profiler.TakePreciseCoverageReturnType) => {
      const ran = result.filter(({ url, functions }) => isOwn(url) && functions.some(wasCalled));
      then(ran.map(({ url }) => relative(root, fileURLToPath(url))));
    },
  );
}

function wasCalled({ functionName, ranges }: Profiler.FunctionCoverage): boolean {
  return (ranges[0]?.count ?? 0) > 0 && (functionName !== "" || ranges[0]!.startOffset > 0);
}

function isOwn(url: string): boolean {
  return (
    url.startsWith("file:") &&
    /^(?:lib|mixins|services|workers)\//.test(relative(root, fileURLToPath(url)))
  );
}

channel.onmessage = (event: unknown) => {
  const { data: turn } = event as { readonly data: number };
  filesThatRan((files) => write(turn, files));
};
channel.unref();

function write(turn: number, files: readonly string[]): void {
  writeFileSync(join(folder!, `${turn}.${threadId}.json`), JSON.stringify(files));
}

if (isMainThread) {
  let turn = 0;
  process.on("SIGUSR2", () => {
    const of = turn++;
    channel.postMessage(of);
    filesThatRan((files) => write(of, files));
  });
}
