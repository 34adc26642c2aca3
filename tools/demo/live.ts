import { setTimeout as delay } from "node:timers/promises";
import type { AnalyticsClient } from "../analytics-client.ts";
import { mailEvents } from "./mail-events.ts";
import { eventsPerMail } from "./shares.ts";
import type { MailEvent } from "./story.ts";

const dayMs = 86_400_000;
const mostAtOnce = 1_000;

/**
 * Mails without end from an instant on, about `rate` events a second, to the recipients of a
 * backfill.
 */
export function* steadyEvents(traffic: {
  readonly seed: number;
  readonly people: number;
  readonly rate: number;
  readonly from: number;
}): Generator<MailEvent, void> {
  const { seed, people, rate } = traffic;
  const mails = Math.ceil((rate * dayMs) / 1_000 / eventsPerMail);
  for (let from = traffic.from; ; from += dayMs) {
    yield* mailEvents({ seed, people, mails, from, to: from + dayMs, shape: "steady" });
  }
}

/**
 * Sends each event when its time has come; what is due already goes at once. Ends with the signal.
 */
export async function sendLive(
  client: AnalyticsClient,
  events: Iterable<MailEvent>,
  signal: AbortSignal,
  progress: (events: number) => void,
): Promise<void> {
  let due: MailEvent[] = [];
  async function flush(): Promise<void> {
    if (due.length === 0) return;
    await client.post(due);
    progress(due.length);
    due = [];
  }
  for (const event of events) {
    if (event.timestamp > Date.now()) await flush();
    // What was sent took time: look again.
    const waitMs = event.timestamp - Date.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    due.push(event);
    if (due.length === mostAtOnce) await flush();
  }
}
