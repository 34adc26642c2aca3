import type { StreamItem } from "../../src/live.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  clientOf,
  filtering,
  filteringUsage,
  filtersOf,
  readArguments,
  refuseWords,
  sharedUsage,
} from "../options.ts";
import { printable, printableJson } from "../printable.ts";
import type { Command } from "../terminal.ts";

const options = { ...filtering, since: { type: "string" } } as const;

export const tailCommand: Command = {
  summary: "events as they are stored",
  usage: `maily-analytics tail [options]

Goes on until it is interrupted; connects again by itself. With --json each line is an event.

${filteringUsage}
  --since ID     go on behind this place: the one that an earlier tail told when it ended
${sharedUsage}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, options);
    refuseWords("tail", positionals);
    const client = clientOf(values, terminal);
    let place = values.since;
    const stream = client.stream(filtersOf(values), {
      signal: terminal.interrupted,
      ...(place !== undefined && { lastEventId: place }),
      onReconnect: (error, waitMs) => {
        const why = error?.message ?? "the service has ended the stream";
        terminal.tell(`${why}; again in ${(waitMs / 1_000).toFixed(1)} s`);
      },
    });
    try {
      for await (const item of stream) {
        if (item.kind === "missed") terminal.tell(missedText(item.missed));
        else {
          const text = values.json ? printableJson(item.event) : eventText(item.event);
          await terminal.print(`${text}\n`);
        }
        place = item.id;
      }
    } finally {
      if (place !== undefined) terminal.tell(`to go on from here: --since ${place}`);
    }
    return exitCodes.done;
  },
};

type Event = Extract<StreamItem, { readonly kind: "event" }>["event"];

function eventText({ timestamp, type, source, correlationId, data }: Event): string {
  const parts = [timestamp, type, source, correlationId ?? "-"];
  return printable([...parts, data === undefined ? "" : JSON.stringify(data)].join("  ").trimEnd());
}

function missedText({
  count,
  exact,
  because,
}: Extract<StreamItem, { readonly kind: "missed" }>["missed"]): string {
  const many = count === null ? "events" : `${exact ? "" : "at most "}${count} events`;
  const why = {
    rate: "more came than are sent",
    slow: "this end was slow",
    window: "too long ago",
  };
  return `${many} passed by unseen: ${why[because]}`;
}
