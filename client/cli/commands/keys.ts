import { jsonCall, type Http } from "../../src/http.ts";
import { pathStep } from "../../src/questions.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { httpOf, readArguments, refuseOthers, sharedUsage } from "../options.ts";
import { printableJson } from "../printable.ts";
import { tableText } from "../table.ts";
import type { Command, Terminal } from "../terminal.ts";

const options = {
  scope: { type: "string", multiple: true },
  expires: { type: "string" },
  overlap: { type: "string" },
} as const;

interface Key {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly hint: string;
  readonly state: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly key?: string;
}

interface KeyCommand {
  readonly http: Http;
  readonly terminal: Terminal;
  readonly values: {
    readonly json: boolean;
    readonly scope?: string[] | undefined;
    readonly expires?: string | undefined;
    readonly overlap?: string | undefined;
  };
}

const path = "/api/v1/keys";
const columns = ["id", "name", "scopes", "begins with", "state", "expires", "last used"];

const verbs: Readonly<Record<string, (command: KeyCommand, named?: string) => Promise<void>>> = {
  async list({ http, terminal, values }) {
    const signal = terminal.interrupted;
    const { body } = await http.read<{ readonly data: readonly Key[] }>({ path, signal });
    if (values.json) return terminal.print(`${printableJson(body)}\n`);
    const rows = body.data.map((key) => [
      ...[key.id, key.name, key.scopes.join(" "), key.hint, key.state],
      ...[key.expiresAt, key.lastUsedAt],
    ]);
    await terminal.print(`${tableText(columns, rows)}\n`);
  },
  async create({ http, terminal, values }, named) {
    const { scope, expires } = values;
    const name = needed(named, "NAME");
    const scopes = scope?.flatMap((one) => one.split(","));
    const body = { name, scopes, ...(expires !== undefined && { expiresAt: expires }) };
    await tellGiven(terminal, values, await post(http, terminal, path, body));
  },
  async rotate({ http, terminal, values }, named) {
    const { overlap, expires } = values;
    const body = {
      ...(overlap !== undefined && { overlapSeconds: secondsOf(overlap) }),
      ...(expires !== undefined && { expiresAt: expires }),
    };
    const at = `${path}/${pathStep(needed(named, "ID"))}/rotate`;
    await tellGiven(terminal, values, await post(http, terminal, at, body));
  },
  async revoke({ http, terminal }, named) {
    const id = needed(named, "ID");
    const at = `${path}/${pathStep(id)}`;
    await http.ask({ method: "DELETE", path: at, signal: terminal.interrupted });
    terminal.tell(`${id} is revoked`);
  },
};

/** The options of each verb. */
const taken: Readonly<Record<string, readonly string[]>> = {
  create: ["scope", "expires"],
  rotate: ["overlap", "expires"],
};

export const keysCommand: Command = {
  summary: "give, list, replace and revoke keys",
  usage: `maily-analytics keys list | create NAME | rotate ID | revoke ID [options]

A key that is given is printed once, and is kept nowhere. Asks for a key with the scope admin.

  --scope S      of a new key: events:write, events:read, live:read or admin; may be repeated, or listed by comma
  --expires T    RFC 3339: from then on the new key does not hold
  --overlap N    seconds for which the old key still holds (rotate); a day
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, options);
    const [verb = "list", named, ...rest] = positionals;
    const carryOut = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const isTooLong = rest.length > 0 || (verb === "list" && named !== undefined);
    if (carryOut === undefined || isTooLong) {
      throw new UsageError(`keys ${positionals.join(" ")}: it is list, create, rotate or revoke`);
    }
    refuseOthers(`keys ${verb}`, given, taken[verb]);
    await carryOut({ http: httpOf(values, terminal), terminal, values }, named);
    return exitCodes.done;
  },
};

async function post(http: Http, terminal: Terminal, at: string, body: object): Promise<Key> {
  // Sent only once: each repetition would leave behind a key that nobody has seen.
  return (await http.ask<Key>(jsonCall("POST", at, body, terminal.interrupted))).body;
}

function secondsOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--overlap is a whole number of seconds, not ${text}`);
}

/** Only the key goes to standard output, for a file or a variable. */
async function tellGiven(terminal: Terminal, { json }: { readonly json: boolean }, given: Key) {
  if (json) return terminal.print(`${printableJson(given)}\n`);
  terminal.tell(`${given.id} ${given.name}: ${given.scopes.join(" ")}; it is shown this once`);
  await terminal.print(`${given.key}\n`);
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new UsageError(`keys: ${name} is missing`);
  return value;
}
