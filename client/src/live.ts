import type { LivePast, LiveSecond, Missed, PublicEvent } from "./answers.ts";
import type { Http } from "./http.ts";
import { listen, type ListenOptions, type Message } from "./event-stream.ts";

/** An item of a stream of stored events. `id` is its place: `lastEventId` continues from there. */
export type StreamItem =
  | { readonly kind: "event"; readonly id: string; readonly event: PublicEvent }
  | { readonly kind: "missed"; readonly id: string; readonly missed: Missed };

/** An item of `live`: first the past minute, then each second. */
export type LiveItem =
  | { readonly kind: "past"; readonly past: LivePast }
  | { readonly kind: "second"; readonly second: LiveSecond };

/** Events as they are stored, each once, in the order of storing. */
export async function* streamed(
  http: Http,
  path: string,
  options?: ListenOptions,
): AsyncGenerator<StreamItem, void> {
  for await (const { event, id, data } of listen(http, path, options)) {
    if (event === "message") yield { kind: "event", id, event: JSON.parse(data) as PublicEvent };
    else if (event === "missed") yield { kind: "missed", id, missed: JSON.parse(data) as Missed };
  }
}

export async function* lived(http: Http, options?: ListenOptions): AsyncGenerator<LiveItem, void> {
  for await (const message of listen(http, "/api/v1/live", options)) {
    const item = liveItem(message);
    if (item !== undefined) yield item;
  }
}

function liveItem({ event, data }: Message): LiveItem | undefined {
  if (event === "message") return { kind: "second", second: JSON.parse(data) as LiveSecond };
  if (event === "past") return { kind: "past", past: JSON.parse(data) as LivePast };
  // Later versions may add other events.
  return undefined;
}
