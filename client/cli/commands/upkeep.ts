import type { RetentionToPut, ShownJob, ShownRetention } from "../../src/index.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { clientOf, readArguments, refuseOthers, refuseWords, sharedUsage } from "../options.ts";
import { printableJson } from "../printable.ts";
import { grouped, tableText } from "../table.ts";
import type { Command, Terminal } from "../terminal.ts";

export const traceCommand: Command = {
  summary: "where an event is, before it is stored, too",
  usage: `maily-analytics trace ID [options]

${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, {});
    const [id, ...rest] = positionals;
    if (id === undefined || rest.length > 0) throw new UsageError("trace takes ID");
    const trace = await clientOf(values, terminal).trace(id, asking(terminal));
    if (values.json) await terminal.print(`${printableJson(trace)}\n`);
    else {
      const { state, acceptedAt, queuedAt, batch, deadLetter, erasedAt } = trace;
      const rows = Object.entries({ state, acceptedAt, queuedAt, batch, deadLetter, erasedAt });
      await terminal.print(`${tableText(["of the event", ""], rows)}\n`);
    }
    return exitCodes.done;
  },
};

const ages = ["events", "minutes", "hours", "days"] as const;
const retaining = {
  events: { type: "string" },
  minutes: { type: "string" },
  hours: { type: "string" },
  days: { type: "string" },
  type: { type: "string", multiple: true },
} as const;

export const retentionCommand: Command = {
  summary: "how long events and counts are kept",
  usage: `maily-analytics retention [show | set] [options]

set takes the place of what held before: what is not named is kept for ever. What is older is dropped, for good.
Asks for a key with the scope admin.

  --events AGE, --minutes AGE, --hours AGE, --days AGE
                 30d, or ever: of events, and of counts by minute, hour and day
  --type TYPE=AGE
                 of events of a type, in the place of --events; may be repeated
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, retaining);
    const [verb = "show", ...rest] = positionals;
    const isKnown = (verb === "show" || verb === "set") && rest.length === 0;
    if (!isKnown) throw new UsageError(`retention ${positionals.join(" ")}: it is show or set`);
    if (verb === "show") refuseOthers("retention show", given);
    const { dataRetention } = clientOf(values, terminal);
    const named = ages.filter((name) => values[name] !== undefined);
    const types = values.type?.map(typeAge) ?? [];
    if (new Set(types.map(([type]) => type)).size < types.length) {
      throw new UsageError("retention set takes one age of a type");
    }
    if (verb === "set" && named.length + types.length === 0) {
      throw new UsageError("retention set takes at least one age; --events ever keeps everything");
    }
    const asked: RetentionToPut = {
      ...Object.fromEntries(named.map((name) => [name, ageOf(values[name]!)])),
      ...(types.length > 0 && { types: Object.fromEntries(types) }),
    };
    const answer =
      verb === "show"
        ? await dataRetention.get(asking(terminal))
        : await dataRetention.put(asked, asking(terminal));
    if (values.json) await terminal.print(`${printableJson(answer)}\n`);
    else await terminal.print(`${retentionText(answer)}\n`);
    return exitCodes.done;
  },
};

type Age = Exclude<RetentionToPut["events"], undefined>;

/** The service judges it. */
const ageOf = (text: string): Age => (text === "ever" ? null : (text as Age));

function typeAge(text: string): readonly [type: string, age: Age] {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new UsageError(`--type ${text}: it is TYPE=AGE`);
  return [text.slice(0, at), ageOf(text.slice(at + 1))];
}

function retentionText({ retention, dropped }: ShownRetention): string {
  const droppedOf = new Map(Object.entries(dropped.types));
  const rows = [
    ...ages.map((name) => [name, retention[name] ?? "ever", dropped[name]]),
    ...Object.entries(retention.types).map(([type, age]) => {
      return [`events of ${type}`, age ?? "ever", droppedOf.get(type) ?? null];
    }),
  ];
  return tableText(["of", "kept", "dropped before"], rows);
}

const rebuilding = {
  from: { type: "string" },
  to: { type: "string" },
  wait: { type: "boolean", default: false },
} as const;
const auditing = { ...rebuilding, "no-repair": { type: "boolean", default: false } } as const;

export const auditCommand: Command = {
  summary: "compare counts with the events, and mend them",
  usage: `maily-analytics audit [options]

A job compares and goes on by itself. Asks for a key with the scope admin.

  --from, --to   RFC 3339 or epoch milliseconds, half open; all there is where they are not given,
                 up to ten minutes ago at most
  --no-repair    tell what differs, and leave it
  --wait         until the job is done
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, auditing);
    refuseWords("audit", positionals);
    const { from, to, wait } = values;
    const client = clientOf(values, terminal);
    const repair = !values["no-repair"];
    const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    const begun = await client.counting.audit({ ...range, repair }, asking(terminal));
    const job = wait ? await client.jobs.finished(begun.id, asking(terminal)) : begun;
    if (values.json) await terminal.print(`${printableJson(job)}\n`);
    else await terminal.print(`${auditText(job)}\n`);
    return exitCodes.done;
  },
};

function auditText({ id, status, range, found }: ShownJob): string {
  if (found === undefined) return `${id} ${status}`;
  const { buckets, drifted, repaired } = found;
  const compared = `${grouped(buckets)} periods up to ${range?.to} compared`;
  return `${id} ${status}: ${compared}, ${drifted} differed, ${repaired} counted anew`;
}

export const rebuildCommand: Command = {
  summary: "count a range anew from its events",
  usage: `maily-analytics rebuild --from T --to T [options]

A job counts and goes on by itself. Asks for a key with the scope admin.

  --from, --to   RFC 3339 or epoch milliseconds, half open
  --wait         until the job is done
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, rebuilding);
    const { from, to, wait } = values;
    if (positionals.length > 0 || from === undefined || to === undefined) {
      throw new UsageError("rebuild takes --from and --to");
    }
    const client = clientOf(values, terminal);
    const begun = await client.counting.rebuild({ from, to }, asking(terminal));
    const job = wait ? await client.jobs.finished(begun.id, asking(terminal)) : begun;
    if (values.json) await terminal.print(`${printableJson(job)}\n`);
    else
      await terminal.print(`${job.id} ${job.status}: ${job.rebuilt ?? 0} minutes counted anew\n`);
    return exitCodes.done;
  },
};

const asking = ({ interrupted }: Terminal) => ({ signal: interrupted });
