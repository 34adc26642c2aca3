import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { AnalyticsClient, type ClientOptions } from "../src/client.ts";
import { Http, isSendable } from "../src/http.ts";
import type { RelativeRange } from "../src/questions.ts";
import { faultIn } from "./exact-json.ts";
import { UsageError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** Options of every command. */
const shared = {
  url: { type: "string" },
  key: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const satisfies ParseArgsOptionsConfig;

export const sharedUsage = `  --url URL      the service; MAILY_URL, or http://127.0.0.1:4000
  --key KEY      its key; better in MAILY_KEY, where no list of processes shows it
  --json         for machines
  --help`;

/** Options that select events. */
export const choosing = {
  type: { type: "string", multiple: true },
  source: { type: "string", multiple: true },
  from: { type: "string" },
  to: { type: "string" },
  range: { type: "string" },
  timezone: { type: "string" },
} as const satisfies ParseArgsOptionsConfig;

export const filtering = {
  ...choosing,
  user: { type: "string" },
  correlation: { type: "string" },
  where: { type: "string", multiple: true },
} as const satisfies ParseArgsOptionsConfig;

export const choosingUsage = `  --type TYPE    events of this type; may be repeated, or listed by comma
  --source S     events of this source; may be repeated
  --from, --to   RFC 3339 or epoch milliseconds, half open
  --range R      instead: 7d, 24h, today, last_month, ...
  --timezone Z   an IANA name; UTC`;

export const filteringUsage = `${choosingUsage}
  --user ID, --correlation ID
  --where COND   a condition as in a URL: data.plan=pro, 'data.amount[gte]=10'; may be repeated: all must hold, but of
                 several values of one name (data.plan=pro, data.plan=team) any`;

/**
 * The options and words of a command line; `given` has the names of its options.
 * @throws UsageError
 */
export function readArguments<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    const config = { ...shared, ...options };
    const given = namesIn(args, config);
    const read = parseArgs({ args: [...args], options: config, allowPositionals: true });
    return Object.assign(read, { given });
  } catch (error) {
    throw new UsageError((error as Error).message.replaceAll("\n", " "));
  }
}

/** @throws UsageError where an option that takes one value has several, of which one would hold */
function namesIn(args: readonly string[], options: ParseArgsOptionsConfig): ReadonlySet<string> {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  const names = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { type, multiple } = options[token.name]!;
    if (names.has(token.name) && type === "string" && multiple !== true) {
      throw new UsageError(`--${token.name} is given more than once`);
    }
    names.add(token.name);
  }
  return names;
}

/**
 * Refuses the options that an act does not use: one that was meant to narrow it down must not be
 * ignored.
 * @param act the beginning of its command line: `keys list`
 * @param taken the names of its options, besides those of every command
 * @throws UsageError
 */
export function refuseOthers(
  act: string,
  given: ReadonlySet<string>,
  taken: readonly string[] = [],
): void {
  const others = [...given].filter((name) => !Object.hasOwn(shared, name) && !taken.includes(name));
  if (others.length === 0) return;
  throw new UsageError(`${act} takes no ${others.map((name) => `--${name}`).join(", ")}`);
}

/** Refuses words where a command takes options alone. @throws UsageError */
export function refuseWords(command: string, words: readonly string[]): void {
  if (words.length === 0) return;
  throw new UsageError(`${command} takes options alone, not ${words.join(" ")}`);
}

interface Address {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The service's address and key: from options, else from the environment. An empty text counts as
 * absent.
 * @throws UsageError
 */
export function addressOf(values: Address, { environment }: Terminal) {
  const url = values.url ?? (environment["MAILY_URL"] || "http://127.0.0.1:4000");
  const key = values.key ?? (environment["MAILY_KEY"] || undefined);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url ${url} is no URL: it begins with http:// or https://`);
  }
  if (key !== undefined && !isSendable(key)) {
    throw new UsageError("a key holds visible characters of ASCII alone");
  }
  return { url, key };
}

/** For requests that the client has no method for. */
export function httpOf(values: Address, terminal: Terminal): Http {
  const { url, key } = addressOf(values, terminal);
  const options = { url, fetch: globalThis.fetch, timeoutMs: 30_000, retries: 2 };
  return new Http({ ...options, ...(key !== undefined && { key }) });
}

export function clientOf(
  values: Address,
  terminal: Terminal,
  options: Omit<ClientOptions, "url"> = {},
): AnalyticsClient {
  return new AnalyticsClient({ ...options, ...addressOf(values, terminal) });
}

interface Filtering {
  readonly type?: string[] | undefined;
  readonly source?: string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly range?: string | undefined;
  readonly timezone?: string | undefined;
  readonly user?: string | undefined;
  readonly correlation?: string | undefined;
  readonly where?: string[] | undefined;
}

/** The parameters that these options make. The service checks them. */
export function filtersOf(given: Filtering) {
  const { type, source, from, to, timezone, user, correlation, where } = given;
  const range = given.range as RelativeRange | undefined;
  return {
    type,
    source,
    from,
    to,
    range,
    timezone,
    userId: user,
    correlationId: correlation,
    ...Object.fromEntries(conditionsOf(where)),
  };
}

/** Parameters that commands make of their options. */
const ofOptions: readonly string[] = [
  ...Object.keys(choosing),
  ...["userId", "correlationId", "confirm", "ids", "format", "fields", "order"],
];

/**
 * The conditions of `--where`: the values of each name.
 * @throws UsageError where one cannot be read, or would take the place of an option
 */
export function conditionsOf(where: readonly string[] = []): ReadonlyMap<string, string[]> {
  const conditions = new Map<string, string[]>();
  for (const text of where) {
    const { name, value } = conditionOf(text);
    if (ofOptions.includes(name)) {
      throw new UsageError(`--where ${text}: ${name} is no property; options alone set it`);
    }
    conditions.set(name, [...(conditions.get(name) ?? []), value]);
  }
  return conditions;
}

/** `data.amount[gte]=10`: a name and a value. A key in quotes may hold an equals sign. */
function conditionOf(text: string): { readonly name: string; readonly value: string } {
  const [, name, value] = /^((?:\["(?:[^"\\]|\\.)*"\]|[^=])+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`--where ${text}: a condition is NAME=VALUE or NAME[OPERATOR]=VALUE`);
  }
  return { name, value };
}

/** @throws UsageError that names what is not JSON, and the place of a number that would change */
export function jsonOf(name: string, text: string): unknown {
  let value: unknown;
  try {
    // Editors of Windows put a byte order mark before the text of a file.
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${(error as Error).message}`);
  }
  const fault = faultIn(text);
  if (fault === undefined) return value;
  throw new UsageError(`${`${name} ${fault.pointer}`.trim()}: ${fault.message}`);
}

/** @throws UsageError as `jsonOf`, and where it is JSON of anything but an object */
export function objectOf(name: string, text: string): Record<string, unknown> {
  const value = jsonOf(name, text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UsageError(`${name} is no JSON object`);
}

/** The parts that have a value. */
export function withoutAbsent(parts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/** A whole number from 1 on. */
export function countOf(name: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new UsageError(`--${name} is a whole number from 1 on, not ${text}`);
  return count;
}
