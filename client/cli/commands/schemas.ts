import { readFileSync } from "node:fs";
import type { AnalyticsClient, JsonObject, SchemaToPut } from "../../src/index.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { clientOf, countOf, jsonOf, readArguments, refuseOthers, sharedUsage } from "../options.ts";
import { printableJson } from "../printable.ts";
import { grouped, tableText } from "../table.ts";
import type { Command, Terminal } from "../terminal.ts";

const options = {
  mode: { type: "string" },
  schema: { type: "string" },
  events: { type: "string" },
} as const;

interface SchemaCommand {
  readonly client: AnalyticsClient;
  readonly terminal: Terminal;
  readonly values: {
    readonly json: boolean;
    readonly mode?: string | undefined;
    readonly schema?: string | undefined;
    readonly events?: string | undefined;
  };
}

const columns = ["type", "mode", "version", "since"];

const verbs: Readonly<Record<string, (command: SchemaCommand, type?: string) => Promise<void>>> = {
  async list({ client, terminal, values }) {
    const schemas = await client.schemas.list({ signal: terminal.interrupted });
    if (values.json) return printJson(terminal, schemas);
    const rows = schemas.map((one) => [one.type, one.mode, one.version, one.createdAt]);
    await terminal.print(`${tableText(columns, rows)}\n`);
  },
  async show({ client, terminal }, type) {
    await printJson(terminal, await client.schemas.get(needed(type), asking(terminal)));
  },
  async put({ client, terminal, values }, type) {
    const { mode, schema } = values;
    if (mode === undefined || schema === undefined) {
      throw new UsageError("schemas put takes --mode and --schema");
    }
    const saved = await client.schemas.put(
      needed(type),
      {
        mode: mode as SchemaToPut["mode"],
        schema: jsonOf("--schema", textOf(schema)) as JsonObject,
      },
      asking(terminal),
    );
    if (values.json) return printJson(terminal, saved);
    terminal.tell(`${saved.type}: version ${saved.version}, ${saved.mode}`);
  },
  async infer({ client, terminal, values }, type) {
    const events = values.events === undefined ? undefined : countOf("events", values.events);
    const how = { ...asking(terminal), ...(events !== undefined && { events }) };
    const proposed = await client.schemas.infer(needed(type), how);
    if (values.json) return printJson(terminal, proposed);
    terminal.tell(`a schema that the newest ${grouped(proposed.basedOn.events)} events keep`);
    await terminal.print(`${printableJson(proposed.schema, 2)}\n`);
  },
  async remove({ client, terminal }, type) {
    await client.schemas.remove(needed(type), asking(terminal));
    terminal.tell(`${type} has no schema any more`);
  },
};

/** The options of each verb. */
const taken: Readonly<Record<string, readonly string[]>> = {
  put: ["mode", "schema"],
  infer: ["events"],
};

export const schemasCommand: Command = {
  summary: "what events of a type are to look like",
  usage: `maily-analytics schemas list | show TYPE | infer TYPE | put TYPE | remove TYPE [options]

infer prints a schema that the newest events keep; put makes it hold. Changing asks for a key with the scope admin.

  --mode M       of put: observe, warn or enforce
  --schema FILE  of put: JSON Schema; - for standard input
  --events N     of infer: how many of the newest events are looked at; 1,000
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, options);
    const [verb = "list", type, ...rest] = positionals;
    const carryOut = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const isTooLong = rest.length > 0 || (verb === "list" && type !== undefined);
    if (carryOut === undefined || isTooLong) {
      throw new UsageError(
        `schemas ${positionals.join(" ")}: it is list, show, infer, put or remove`,
      );
    }
    refuseOthers(`schemas ${verb}`, given, taken[verb]);
    await carryOut({ client: clientOf(values, terminal), terminal, values }, type);
    return exitCodes.done;
  },
};

const asking = ({ interrupted }: Terminal) => ({ signal: interrupted });

async function printJson(terminal: Terminal, what: unknown): Promise<void> {
  await terminal.print(`${printableJson(what)}\n`);
}

function textOf(file: string): string {
  return readFileSync(file === "-" ? 0 : file, "utf8");
}

function needed(type: string | undefined): string {
  if (type === undefined) throw new UsageError("schemas: TYPE is missing");
  return type;
}
