import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../client/cli/main.ts");
const { PATH, NODE_COMPILE_CACHE } = process.env;

export interface BegunCommand {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<unknown>;
}

/** Begins a command of the client's command line; it knows no other variables than these. */
export function beginCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): BegunCommand {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH, NODE_COMPILE_CACHE, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk: Buffer) => (output[name] += chunk.toString()));
  }
  return { child, output, ended: once(child, "close") };
}
