import type { CountsQuestion } from "../../src/questions.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  choosing,
  choosingUsage,
  clientOf,
  countOf,
  filtersOf,
  readArguments,
  refuseWords,
  sharedUsage,
} from "../options.ts";
import { printableJson } from "../printable.ts";
import { tableText, type Cell } from "../table.ts";
import type { Command } from "../terminal.ts";
import { metaText } from "./meta.ts";

const options = {
  ...choosing,
  interval: { type: "string" },
  by: { type: "string" },
  limit: { type: "string" },
} as const;

export const countsCommand: Command = {
  summary: "how many events of each type, also over time",
  usage: `maily-analytics counts [options]

${choosingUsage}
  --interval I   minute, hour, day, week or month
  --by D         a dimension besides the type, such as context.country
  --limit N      rows
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, options);
    refuseWords("counts", positionals);
    const { interval, by, limit, ...choice } = values;
    const question = {
      ...filtersOf(choice),
      interval,
      groupBy: by,
      limit: limit === undefined ? undefined : countOf("limit", limit),
    } as CountsQuestion;
    const answer = await clientOf(values, terminal).counts(question, {
      signal: terminal.interrupted,
    });
    if (values.json) {
      await terminal.print(`${printableJson(answer)}\n`);
      return exitCodes.done;
    }
    const names = answer.data.map((row) =>
      [row.type, ...Object.values(row).filter((_, i) => i > 0)].filter(isText).join(" / "),
    );
    const times = answer.data[0]?.series?.map(({ time }) => time);
    const text =
      times === undefined
        ? tableText(
            ["type", "count"],
            answer.data.map(({ count }, i) => [names[i]!, count]),
          )
        : tableText(
            ["time", ...names],
            times.map((time, at): Cell[] => [
              time,
              ...answer.data.map(({ series }) => series![at]!.count),
            ]),
          );
    await terminal.print(`${text}\n`);
    terminal.tell(`${answer.total} in all; ${metaText(answer.meta)}`);
    return exitCodes.done;
  },
};

function isText(value: unknown): value is string {
  return typeof value === "string";
}
