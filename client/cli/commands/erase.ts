import type { ShownJob } from "../../src/answers.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import {
  clientOf,
  conditionsOf,
  filtering,
  filtersOf,
  filteringUsage,
  readArguments,
  refuseOthers,
  sharedUsage,
} from "../options.ts";
import { writeExport } from "./export.ts";
import { printableJson } from "../printable.ts";
import type { Command } from "../terminal.ts";

const options = {
  ...filtering,
  all: { type: "boolean", default: false },
  reusable: { type: "boolean", default: false },
  wait: { type: "boolean", default: false },
} as const;

/** The options that every erasure takes. */
const common = ["reusable", "wait"];

/** @throws UsageError where a name has several values: any of them would do, which erases more */
function refuseRepeated(where: readonly string[] | undefined): void {
  for (const [name, values] of conditionsOf(where)) {
    if (values.length > 1) {
      const why = "events with any of its values would be erased";
      throw new UsageError(`erase events --where: ${name} is given more than once; ${why}`);
    }
  }
}

export const eraseCommand: Command = {
  summary: "erase an event, a person, or the events of a filter",
  usage: `maily-analytics erase event ID | subject USER | events [options]

A job erases them and goes on by itself; counts follow. An id, and a person, stay erased also where events come later.
Asks for a key with the scope admin.

  --wait         until the job is done
  --reusable     events that are accepted later may have the erased ids

Of events alone, which take no relative range, and each name of --where once:

  --all          every one of the project, in the place of a filter
${filteringUsage}
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, options);
    const [what = "", name, ...rest] = positionals;
    const { erasing, jobs } = clientOf(values, terminal);
    const signal = terminal.interrupted;
    const how = { signal, ...(values.reusable && { ids: "reusable" as const }) };
    const begin = async (): Promise<ShownJob> => {
      if (rest.length === 0 && name !== undefined) {
        refuseOthers(`erase ${what}`, given, common);
        if (what === "event") return erasing.event(name, how);
        if (what === "subject") return erasing.subject(name, how);
      } else if (rest.length === 0 && what === "events") {
        if (values.all) refuseOthers("erase events --all", given, ["all", ...common]);
        const { range, timezone, ...filters } = filtersOf(values);
        if (range !== undefined || timezone !== undefined) {
          throw new UsageError("erase events takes --from and --to, no relative range");
        }
        refuseRepeated(values.where);
        return erasing.events({ ...filters, ...(values.all && { confirm: "all" }) }, how);
      }
      throw new UsageError("erase takes event ID, subject USER, or events with a filter");
    };
    const begun = await begin();
    const job = values.wait ? await jobs.finished(begun.id, { signal }) : begun;
    if (values.json) await terminal.print(`${printableJson(job)}\n`);
    else await terminal.print(`${job.id} ${job.status}: ${job.erased} events are gone\n`);
    return exitCodes.done;
  },
};

const exporting = {
  format: { type: "string", default: "ndjson" },
  out: { type: "string", short: "o" },
} as const;

export const subjectsCommand: Command = {
  summary: "all events of a person, to give them out",
  usage: `maily-analytics subjects export USER [options]

Asks for a key with the scope admin.

  --format F     ndjson (default) or csv
  --out FILE     a file instead of standard output; there only once it is whole
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, exporting);
    const [verb, userId, ...rest] = positionals;
    const { format, out } = values;
    if (verb !== "export" || userId === undefined || rest.length > 0) {
      throw new UsageError("subjects takes export USER");
    }
    if (format !== "ndjson" && format !== "csv") throw new UsageError("--format is ndjson or csv");
    const { erasing } = clientOf(values, terminal);
    const as = { format, signal: terminal.interrupted } as const;
    await writeExport(await erasing.subjectExport(userId, as), out, terminal);
    return exitCodes.done;
  },
};
