import { parameterList, type Address, type Changes, type ViewName } from "./address.ts";
import { readStep } from "./filter.ts";

/** Which texts of one parameter a view reads, in their order. */
type Reader = (texts: readonly string[]) => readonly string[];

/** A parameter that is read once: a second text of it is not. */
function one(pattern: RegExp): Reader {
  return (texts) => texts.slice(0, 1).filter((text) => pattern.test(text));
}

const any = one(/./s);
const all: Reader = (texts) => texts;
const flag = one(/^1$/);
const actor = one(/^(user|correlationId|session)$/);

/** The metrics, as the API names them. */
const metricText = /^(count|uniques|(?:sum|avg|min|max|p50|p75|p90|p95|p99):.+)$/;

/** A sort is a column and its direction. */
function sort(columns: string): Reader {
  return one(new RegExp(`^(${columns})\\.(asc|desc)$`));
}

/** A funnel begins with two steps: less than that is none. */
const steps: Reader = (texts) => {
  const read = texts.filter((text) => readStep(text) !== undefined);
  return read.length < 2 ? [] : read;
};

/** The parameters of each view beside those that all have. */
const readers: Readonly<Record<ViewName, Readonly<Record<string, Reader>>>> = {
  now: { paused: flag },
  trends: {
    ...{ type: all, m: one(metricText), by: any, per: one(/^(minute|hour|day|week|month)$/) },
    ...{ shape: one(/^(line|bars|table)$/), hide: all, sort: sort("name|total|before") },
    whole: flag,
  },
  funnel: { step: steps, window: any, actor, by: any, sort: sort("value|s\\d+"), row: one(/^/) },
  retention: {
    ...{ first: any, back: any, per: one(/^(day|week|month)$/), actor },
    shape: one(/^(percent|people)$/),
  },
  paths: {
    ...{ after: any, len: one(/^[1-5]$/), actor, sort: sort("path|count|users|share") },
    column: one(/^[0-4]$/),
  },
  mail: {
    ...{ by: any, mails: one(/^(active|sent)$/) },
    sort: sort("group|sent|delivered|delivery|bounce|open|click|clickToOpen|complaint|unsubscribe"),
  },
  events: { type: all, order: one(/^(asc|desc)$/), follow: flag },
  saved: { edit: flag },
  health: {},
  admin: { show: one(/^(dead|schemas|quarantine|log)$/) },
};

/** The text of a parameter of its own that a view reads; `undefined` where it has none that can be meant. */
export function readParameter(address: Address, name: string): string | undefined {
  return readParameters(address, name)[0];
}

/** The same of a parameter that may come several times. */
export function readParameters(address: Address, name: string): readonly string[] {
  const own = readers[address.view];
  return Object.hasOwn(own, name) ? own[name]!(parameterList(address, name)) : [];
}

const common: Readonly<Record<string, Reader>> = {
  ...{ range: any, tz: any, f: all },
  cmp: one(/^(previous|weekdays|year)$/),
};

export interface Stray {
  /** Parameters that the view does not have. */
  readonly unknown: readonly string[];
  /** Those that it has, with texts that it does not read. */
  readonly unread: readonly (readonly [name: string, text: string])[];
  /** The same without these texts. */
  readonly rest: Changes;
}

/** What of an address has no effect on its view. Whether a range, a zone and filters can be meant is not looked at. */
export function strayParameters(address: Address): Stray {
  const known = { ...common, ...readers[address.view] };
  const names = [...new Set(address.parameters.map(([name]) => name))];
  const unread: (readonly [string, string])[] = [];
  const rest: Record<string, readonly string[]> = {};
  for (const [name, read] of Object.entries(known)) {
    const texts = parameterList(address, name);
    const kept = read(texts);
    if (kept.length === texts.length) continue;
    rest[name] = kept;
    const left = [...texts];
    for (const text of kept) left.splice(left.indexOf(text), 1);
    unread.push(...left.map((text) => [name, text] as const));
  }
  return { unknown: names.filter((name) => !Object.hasOwn(known, name)), unread, rest };
}
