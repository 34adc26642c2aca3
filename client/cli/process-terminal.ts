import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

/** The terminal of a process. A reader of its output who leaves ends the process, as is the custom. */
export function processTerminal(process: NodeJS.Process): Terminal {
  const { stdout, stderr, env } = process;
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interruption.abort(new Error("interrupted")));
  }
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    stderr.write(`standard output: ${printable(error.message)}\n`);
    process.exit(1);
  });
  // Where nobody reads the messages any more the work goes on.
  stderr.on("error", () => undefined);
  let drawn = false;
  function draw(line: string): void {
    if (line === "" && !drawn) return;
    stderr.write(`\r${line}\u001b[K`);
    drawn = line !== "";
  }
  return {
    print: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    tell(line) {
      draw("");
      stderr.write(`${printable(line)}\n`);
    },
    draw,
    isWatched: stderr.isTTY === true,
    environment: env,
    interrupted: interruption.signal,
  };
}
