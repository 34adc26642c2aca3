import type { Command } from "../../client/cli/terminal.ts";

/** Runs a command where nobody watches. @returns its standard output */
export async function runCommand(command: Command, args: readonly string[]): Promise<string> {
  let output = "";
  await command.run(args, {
    print: (text) => {
      output += text;
      return Promise.resolve();
    },
    tell: () => undefined,
    draw: () => undefined,
    isWatched: false,
    environment: {},
    interrupted: new AbortController().signal,
  });
  return output;
}
