import type { EventInput } from "../../lib/event/event.ts";
import { mailEvents } from "../demo/mail-events.ts";

/** Events as a mail sender's trackers report them, without ids and instants: each post is new. */
export function sampleEvents(count: number): readonly EventInput[] {
  const day = Date.UTC(2025, 10, 20);
  const events: EventInput[] = [];
  for (const event of mailEvents({ seed: 1, mails: count, from: day, to: day + 86_400_000 })) {
    if (events.length === count) break;
    const { id: _id, timestamp: _timestamp, ...content } = event;
    events.push(content);
  }
  return events;
}

/** One of them: an open, with all that comes with it. */
export function sampleEvent(): EventInput {
  return sampleEvents(500).find(({ type }) => type === "email.opened")!;
}
