import { createWriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exitCodes, UsageError } from "../exit-codes.ts";
import {
  clientOf,
  filtering,
  filteringUsage,
  filtersOf,
  readArguments,
  refuseWords,
  sharedUsage,
} from "../options.ts";
import type { Export } from "../../src/export.ts";
import type { Command, Terminal } from "../terminal.ts";

const options = {
  ...filtering,
  format: { type: "string", default: "ndjson" },
  fields: { type: "string" },
  order: { type: "string" },
  out: { type: "string", short: "o" },
} as const;

export const exportCommand: Command = {
  summary: "all events that meet a filter, as NDJSON or CSV",
  usage: `maily-analytics export [options]

${filteringUsage}
  --format F     ndjson (default) or csv
  --fields A,B   only these properties
  --order O      asc (default) or desc, by time
  --out FILE     a file instead of standard output; there only once it is whole
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, options);
    refuseWords("export", positionals);
    const { format, fields, order, out } = values;
    if (format !== "ndjson" && format !== "csv") throw new UsageError("--format is ndjson or csv");
    if (order !== undefined && order !== "asc" && order !== "desc") {
      throw new UsageError("--order is asc or desc");
    }
    const question = { ...filtersOf(values), format, order, fields: listOf(fields) } as const;
    const stream = await clientOf(values, terminal).export(question, {
      signal: terminal.interrupted,
    });
    await writeExport(stream, out, terminal);
    return exitCodes.done;
  },
};

/** One text of names, which the service splits: a key in quotes may have a comma. */
function listOf(names: string | undefined): readonly string[] | undefined {
  return names === undefined ? undefined : [names];
}

/**
 * @param out a file, which appears only once it is whole; a device or a pipe, which is written to;
 *   absent: standard output
 */
export async function writeExport(
  stream: Export,
  out: string | undefined,
  terminal: Terminal,
): Promise<void> {
  if (out === undefined) for await (const text of stream.text()) await terminal.print(text);
  else if (await isSpecial(out)) await write(stream, out);
  else {
    await write(stream, `${out}.part`);
    await rename(`${out}.part`, out);
  }
  const { because, asOf } = stream;
  terminal.tell(
    `${because.length === 0 ? "" : `not whole (${because.join(", ")}), `}as of ${asOf}`,
  );
}

async function write(stream: Export, file: string): Promise<void> {
  await pipeline(Readable.from(stream.text()), createWriteStream(file));
}

/** Whether something other than a file has this name, such as /dev/stdout. */
async function isSpecial(name: string): Promise<boolean> {
  const found = await stat(name).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}
