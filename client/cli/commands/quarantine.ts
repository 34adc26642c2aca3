import type { AnalyticsClient, JsonObject, ShownQuarantined } from "../../src/index.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { clientOf, countOf, jsonOf, readArguments, refuseOthers, sharedUsage } from "../options.ts";
import { printableJson } from "../printable.ts";
import { tableText } from "../table.ts";
import type { Command, Terminal } from "../terminal.ts";

const options = {
  type: { type: "string", multiple: true },
  user: { type: "string" },
  limit: { type: "string" },
  patch: { type: "string" },
  all: { type: "boolean", default: false },
} as const;

interface QuarantineCommand {
  readonly client: AnalyticsClient;
  readonly terminal: Terminal;
  readonly values: {
    readonly json: boolean;
    readonly type?: string[] | undefined;
    readonly user?: string | undefined;
    readonly limit?: string | undefined;
    readonly patch?: string | undefined;
    readonly all: boolean;
  };
}

const columns = ["id", "type", "received", "state", "breaks"];

const verbs: Readonly<Record<string, (command: QuarantineCommand, id?: string) => Promise<void>>> =
  {
    async list({ client, terminal, values }) {
      const most = values.limit === undefined ? 100 : countOf("limit", values.limit);
      const held: ShownQuarantined[] = [];
      const question = { ...questionOf(values), limit: Math.min(most, 1_000) };
      for await (const event of client.quarantine.list(question, asking(terminal))) {
        held.push(event);
        if (held.length === most) break;
      }
      if (values.json) return printJson(terminal, held);
      const rows = held.map((event) => [
        ...[event.id, event.type, event.receivedAt, event.state],
        event.findings.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join("; "),
      ]);
      await terminal.print(`${tableText(columns, rows)}\n`);
    },
    async show({ client, terminal }, id) {
      await printJson(terminal, await client.quarantine.get(needed(id), asking(terminal)));
    },
    async patch({ client, terminal, values }, id) {
      if (values.patch === undefined) throw new UsageError("quarantine patch takes --patch");
      const patch = jsonOf("--patch", values.patch) as JsonObject;
      const mended = await client.quarantine.patch(needed(id), patch, asking(terminal));
      if (values.json) return printJson(terminal, mended);
      if (mended.findings.length === 0) terminal.tell(`${id} keeps its schema now`);
      for (const { pointer, message } of mended.findings) {
        terminal.tell(`${pointer} ${message}`.trim());
      }
    },
    async replay({ client, terminal, values }, id) {
      const question = questionOf(values);
      const which = [id !== undefined, Object.keys(question).length > 0, values.all];
      if (which.filter(Boolean).length !== 1) {
        throw new UsageError("quarantine replay takes one of ID, a filter, and --all");
      }
      if (id !== undefined) {
        await client.quarantine.replay(id, asking(terminal));
        terminal.tell(`${id} is on its way to be counted`);
        return;
      }
      const done = await client.quarantine.replayAll(question, asking(terminal));
      if (values.json) return printJson(terminal, done);
      await terminal.print(`${done.replayed} replayed, ${done.broken} still break their schema\n`);
    },
    async drop({ client, terminal }, id) {
      await client.quarantine.drop(needed(id), asking(terminal));
      terminal.tell(`${id} is dropped`);
    },
  };

/** The options of each verb. */
const taken: Readonly<Record<string, readonly string[]>> = {
  list: ["type", "user", "limit"],
  patch: ["patch"],
  replay: ["type", "user", "all"],
};

export const quarantineCommand: Command = {
  summary: "events that break their schema: list, mend, replay, drop",
  usage: `maily-analytics quarantine list | show ID | patch ID | replay [ID] | drop ID [options]

Asks for a key with the scope admin.

  --type TYPE    of list and replay: events of this type; may be repeated
  --user ID      of list and replay: events of this user
  --limit N      of list: at most so many; 100
  --all          of replay: every one, in the place of ID or a filter
  --patch JSON   of patch: a merge patch (RFC 7396), '{"data":{"amount":12.5}}'
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, options);
    const [verb = "list", id, ...rest] = positionals;
    const carryOut = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const isTooLong = rest.length > 0 || (verb === "list" && id !== undefined);
    if (carryOut === undefined || isTooLong) {
      throw new UsageError(
        `quarantine ${positionals.join(" ")}: it is list, show, patch, replay or drop`,
      );
    }
    refuseOthers(`quarantine ${verb}`, given, taken[verb]);
    await carryOut({ client: clientOf(values, terminal), terminal, values }, id);
    return exitCodes.done;
  },
};

const asking = ({ interrupted }: Terminal) => ({ signal: interrupted });

function questionOf({ type, user }: QuarantineCommand["values"]) {
  return { ...(type !== undefined && { type }), ...(user !== undefined && { userId: user }) };
}

async function printJson(terminal: Terminal, what: unknown): Promise<void> {
  await terminal.print(`${printableJson(what)}\n`);
}

function needed(id: string | undefined): string {
  if (id === undefined) throw new UsageError("quarantine: ID is missing");
  return id;
}
