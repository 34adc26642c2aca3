import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import type { QueryQuestion } from "../../src/questions.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import {
  clientOf,
  countOf,
  jsonOf,
  objectOf,
  readArguments,
  sharedUsage,
  withoutAbsent,
} from "../options.ts";
import { printableJson } from "../printable.ts";
import { tableText } from "../table.ts";
import type { Command } from "../terminal.ts";
import { metaText } from "./meta.ts";

const options = {
  metric: { type: "string", multiple: true },
  by: { type: "string", multiple: true },
  filters: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  range: { type: "string" },
  timezone: { type: "string" },
  limit: { type: "string" },
} as const;

type Values = ReturnType<typeof readArguments<typeof options>>["values"];

export const queryCommand: Command = {
  summary: "metrics by properties and time",
  usage: `maily-analytics query [QUESTION] [options]

QUESTION is the body of POST /api/v1/query: as JSON, @FILE, or - for standard input. Options replace its parts.
A table leaves out periods in which nothing happened, unless QUESTION has "fill": true.

  --metric M     count, uniques, sum:data.amount, p95:data.ms, ...; may be repeated
  --by D         type, data.plan, time:day, ...; may be repeated
  --filters F    as JSON: '["is","type",["order.paid"]]'
  --from, --to   RFC 3339 or epoch milliseconds, half open
  --range R      instead: 7d, 24h, today, last_month, ...
  --timezone Z   of periods and ranges; UTC
  --limit N      rows
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, options);
    if (positionals.length > 1) throw new UsageError("query takes one QUESTION");
    const usual = values.json ? {} : { fill: false };
    const question = { ...usual, ...(await readQuestion(positionals[0])), ...fromOptions(values) };
    const client = clientOf(values, terminal);
    const answer = await client.query(question, { signal: terminal.interrupted });
    if (values.json) {
      await terminal.print(`${printableJson(answer)}\n`);
      return exitCodes.done;
    }
    const { dimensions, metrics } = answer.query as Required<QueryQuestion>;
    const rows = answer.results.map((row) => [...row.dimensions, ...row.metrics]);
    await terminal.print(`${tableText([...dimensions, ...metrics], rows)}\n`);
    terminal.tell(metaText(answer.meta));
    return exitCodes.done;
  },
};

async function readQuestion(argument: string | undefined): Promise<QueryQuestion> {
  if (argument === undefined) return {};
  const [name, text] = await textAt(argument);
  return objectOf(name, text);
}

/** The text of QUESTION, and its name for messages. */
async function textAt(argument: string): Promise<readonly [name: string, text: string]> {
  if (argument === "-") return ["standard input", await textOf(process.stdin)];
  if (!argument.startsWith("@")) return ["QUESTION", argument];
  const file = argument.slice(1);
  return [file, await readFile(file, "utf8")];
}

function fromOptions({ metric, by, filters, timezone, limit, ...range }: Values): QueryQuestion {
  const parts = {
    metrics: metric,
    dimensions: by,
    filters: filters === undefined ? undefined : jsonOf("--filters", filters),
    range: rangeOf(range),
    timezone,
    limit: limit === undefined ? undefined : countOf("limit", limit),
  };
  // The service decides whether the question is valid.
  return withoutAbsent(parts);
}

function rangeOf({ from, to, range }: Pick<Values, "from" | "to" | "range">): unknown {
  if (range !== undefined && (from !== undefined || to !== undefined)) {
    throw new UsageError("query takes --from and --to, or --range, not both");
  }
  if (range === undefined) return from === undefined && to === undefined ? undefined : { from, to };
  return /^\d/.test(range) ? { last: range } : range;
}
