import type { Floors, Retention } from "../counting/floors.ts";
import { isEventType } from "../event/event-schema.ts";
import { pointerTo } from "../event/plain-json.ts";
import { readBody } from "./reading/body.ts";
import { described, type Field, type Findings } from "./reading/field.ts";

/** A project's retention as the API shows it. */
export interface ShownRetention {
  readonly retention: ShownAges;
  /** Whether it is the project's own retention, or the configured one. */
  readonly isOwn: boolean;
  /** Data before these instants was dropped: RFC 3339, `null` where nothing was. */
  readonly dropped: ShownFloors;
  /** Events before these instants are not accepted any more. */
  readonly refused: ShownFloors;
}

/** Ages such as `30d`; `null`: for ever. */
interface ShownAges {
  readonly events: string | null;
  readonly minutes: string | null;
  readonly hours: string | null;
  readonly days: string | null;
  readonly types: Readonly<Record<string, string | null>>;
}

type ShownFloors = ShownAges;

const maxDays = 36_500;

const age: Field<number | null> = {
  schema: { type: ["string", "null"], pattern: "^[1-9][0-9]{0,4}d$", examples: ["30d", null] },
  read(value, { pointer, name }, findings) {
    const days = value === undefined || value === null ? null : daysOf(value);
    if (days !== undefined) return days;
    const message = `${name} must be a number of days such as 30d, or null: for ever`;
    findings.push({ pointer, code: "age", message });
    return null;
  },
};

const types: Field<Readonly<Record<string, number | null>>> = {
  schema: {
    type: "object",
    additionalProperties: age.schema,
    description: "Events of some types, in the place of `events`",
  },
  read: (value, { pointer }, findings) => typesOf(value, pointer, findings),
};

export const agesBody = {
  events: described(age, "How old events become"),
  minutes: described(age, "How old the counts by minute become"),
  hours: described(age, "How old the counts by hour become"),
  days: described(age, "How old the counts by day become"),
  types,
};

/** @throws ServiceError VALIDATION */
export function readRetention(body: unknown): Retention {
  return readBody(body, agesBody, (retention, findings) => {
    const { events, minutes, hours, days, types } = retention;
    const raw = Object.values(types).reduce(longer, events);
    const steps = [
      ["minutes", raw, minutes, "events"],
      ["hours", minutes, hours, "minutes"],
      ["days", hours, days, "hours"],
    ] as const;
    for (const [name, finer, coarser, of] of steps) {
      if (longer(finer, coarser) === coarser) continue;
      const message = `${name} must be kept at least as long as ${of}`;
      findings.push({ pointer: `/${name}`, code: "age", message });
    }
    return retention;
  });
}

function typesOf(
  value: unknown,
  pointer: string,
  findings: Findings,
): Readonly<Record<string, number | null>> {
  if (value === undefined) return {};
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value) : [];
  const ages = entries.map(([type, each]) => [type, each === null ? null : daysOf(each)] as const);
  if (!isObject || ages.some(([, days]) => days === undefined) || ages.length > maxTypes) {
    const message = `types must be an object of up to ${maxTypes} ages such as {"page.viewed": "7d"}`;
    findings.push({ pointer, code: "age", message });
    return {};
  }
  for (const [type] of ages) {
    if (isEventType(type)) continue;
    const message = "this is no type that an event can have";
    findings.push({ pointer: pointerTo(pointer, type), code: "type", message });
  }
  return Object.fromEntries(ages.map(([type, days]) => [type, days ?? null]));
}

const maxTypes = 100;

function daysOf(value: unknown): number | undefined {
  const days =
    typeof value === "string" && /^[1-9][0-9]{0,4}d$/.test(value) ? Number(value.slice(0, -1)) : 0;
  return days > 0 && days <= maxDays ? days : undefined;
}

/** The longer of two ages; `null` is for ever. */
function longer(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b);
}

export function shownAges({ types, ...ages }: Retention): ShownAges {
  const shown = (days: number | null) => (days === null ? null : `${days}d`);
  return each({ ...ages, types }, shown);
}

export function shownFloors(floors: Floors): ShownFloors {
  return each(floors, (at) => (at === null ? null : new Date(at).toISOString()));
}

function each(of: Retention, show: (value: number | null) => string | null): ShownAges {
  return {
    events: show(of.events),
    minutes: show(of.minutes),
    hours: show(of.hours),
    days: show(of.days),
    types: Object.fromEntries(Object.entries(of.types).map(([type, value]) => [type, show(value)])),
  };
}
