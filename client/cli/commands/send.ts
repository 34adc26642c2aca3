import type { EventToSend } from "../../src/client.ts";
import { SendError, type Rejection } from "../../src/errors.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import {
  clientOf,
  jsonOf,
  objectOf,
  readArguments,
  sharedUsage,
  withoutAbsent,
} from "../options.ts";
import { printableJson } from "../printable.ts";
import type { Command, Terminal } from "../terminal.ts";

const options = {
  type: { type: "string" },
  source: { type: "string" },
  id: { type: "string" },
  timestamp: { type: "string" },
  correlation: { type: "string" },
  user: { type: "string" },
  data: { type: "string" },
  metadata: { type: "string" },
} as const;

type Values = ReturnType<typeof readArguments<typeof options>>["values"];

export const sendCommand: Command = {
  summary: "send an event, or some, and wait until they are durable",
  usage: `maily-analytics send [EVENT...] [options]

Each EVENT is JSON; options replace its parts, and alone they are an event. For files there is import.

  --type, --source, --id, --correlation, --user
  --timestamp T  RFC 3339 or epoch milliseconds
  --data JSON, --metadata JSON
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, options);
    const parts = partsOf(values);
    const given = positionals.length === 0 ? ["{}"] : positionals;
    const events = given.map((text) => ({ ...objectOf("EVENT", text), ...parts }) as EventToSend);
    const client = clientOf(values, terminal);
    if (events.some(({ source }) => source === undefined))
      throw new UsageError("--source is missing");
    const signal = terminal.interrupted;
    const sent = await client.send(events, { signal }).catch((error: unknown) => {
      if (error instanceof SendError) tellRefused(error.rejected, terminal);
      throw error;
    });
    if (values.json) await terminal.print(`${printableJson(sent)}\n`);
    else {
      const refused = new Set(sent.rejected.map(({ index }) => index));
      const ids = sent.ids.filter((_, i) => !refused.has(i));
      await terminal.print(ids.map((id) => `${id}\n`).join(""));
      tellRefused(sent.rejected, terminal);
    }
    return sent.rejected.length > 0 ? exitCodes.someRefused : exitCodes.done;
  },
};

function tellRefused(rejected: readonly Rejection[], { tell }: Terminal): void {
  for (const { index, error } of rejected) {
    const problems = error.errors.map(({ pointer, message }) => `${pointer} ${message}`);
    tell(`event ${index + 1} is refused: ${problems.join("; ")}`);
  }
}

function partsOf({ type, source, id, timestamp, correlation, user, data, metadata }: Values) {
  const about = {
    ...(metadata !== undefined && objectOf("--metadata", metadata)),
    ...(user !== undefined && { userId: user }),
  };
  const parts = {
    type,
    source,
    id,
    timestamp: timestamp !== undefined && /^-?\d+$/.test(timestamp) ? Number(timestamp) : timestamp,
    correlationId: correlation,
    data: data === undefined ? undefined : jsonOf("--data", data),
    metadata: Object.keys(about).length === 0 ? undefined : about,
  };
  return withoutAbsent(parts);
}
