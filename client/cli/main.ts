#!/usr/bin/env node
import { SendError } from "../src/errors.ts";
import { isPassing } from "../src/waiting.ts";
import { countsCommand } from "./commands/counts.ts";
import { eraseCommand, subjectsCommand } from "./commands/erase.ts";
import { exportCommand } from "./commands/export.ts";
import { keysCommand } from "./commands/keys.ts";
import { quarantineCommand } from "./commands/quarantine.ts";
import { queryCommand } from "./commands/query.ts";
import { schemasCommand } from "./commands/schemas.ts";
import { sendCommand } from "./commands/send.ts";
import { exitCodes, UsageError } from "./exit-codes.ts";
import { tailCommand } from "./commands/tail.ts";
import { auditCommand, rebuildCommand, retentionCommand, traceCommand } from "./commands/upkeep.ts";
import { importCommand } from "./import/command.ts";
import { processTerminal } from "./process-terminal.ts";
import type { Command, Terminal } from "./terminal.ts";

const commands: ReadonlyMap<string, Command> = new Map([
  ["send", sendCommand],
  ["import", importCommand],
  ["query", queryCommand],
  ["counts", countsCommand],
  ["export", exportCommand],
  ["tail", tailCommand],
  ["trace", traceCommand],
  ["schemas", schemasCommand],
  ["quarantine", quarantineCommand],
  ["retention", retentionCommand],
  ["audit", auditCommand],
  ["rebuild", rebuildCommand],
  ["keys", keysCommand],
  ["erase", eraseCommand],
  ["subjects", subjectsCommand],
]);

const overview = `maily-analytics COMMAND [options]

${[...commands].map(([name, { summary }]) => `  maily-analytics ${name.padEnd(10)} ${summary}`).join("\n")}

maily-analytics COMMAND --help tells the options. The service is at MAILY_URL, or http://127.0.0.1:4000; its key is
MAILY_KEY. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some events were refused, 4 the service is away, too busy or
failing: try again later, 130 interrupted.`;

async function main(
  [name = "--help", ...args]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const command = commands.get(name);
  if (command === undefined) {
    const asksForHelp = ["--help", "-h", "help"].includes(name);
    if (!asksForHelp) terminal.tell(`there is no command ${name}`);
    await terminal.print(`${overview}\n`);
    return asksForHelp ? exitCodes.done : exitCodes.usage;
  }
  if (args.includes("--help") || args.includes("-h")) {
    await terminal.print(`${command.usage}\n`);
    return exitCodes.done;
  }
  try {
    return await command.run(args, terminal);
  } catch (error) {
    if (terminal.interrupted.aborted) return exitCodes.interrupted;
    terminal.tell(inWords(error));
    return codeOf(error);
  }
}

/** Files that cannot be read or written are told without the system's names. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "EISDIR") return "a folder stands where a file is meant";
  if (path === undefined) return error.message;
  if (code === "ENOENT") return `there is no file ${path}`;
  return code === "EACCES" ? `this user may not use ${path}` : error.message;
}

function codeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage;
  const cause = error instanceof SendError ? error.cause : error;
  return isPassing(cause) ? exitCodes.tryLater : exitCodes.failed;
}

// Whatever is still under way then is not needed any more. A command that never ends is no success:
// Node gives the exit code 13 to a module that awaits in vain.
process.exit(await main(process.argv.slice(2), processTerminal(process)));
