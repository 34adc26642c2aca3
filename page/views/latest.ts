import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EventList, StoredEvent } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { useStream } from "../api/use-stream.ts";
import { address, change, follow, hrefOf, openedAddress, zone } from "../frame/router.ts";
import { Card, Waiting } from "../parts/card.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { readParameter } from "../pure/parameters.ts";
import * as format from "../pure/format.ts";
import { wallClock } from "../pure/zone.ts";

const rows = 14;
const atOnce = 2;
const everyMs = 1_000;

/**
 * A window of fixed rows whose texts change: at most two new events a second, none while the reader
 * points at it or it is paused. Rows that move would disturb reading.
 */
export function Latest(): VNode {
  const first = useAnswer<EventList>({ path: `/api/v1/events?limit=${rows}` });
  const [streamed, setStreamed] = useState<readonly StoredEvent[]>([]);
  const [shownNote, setShownNote] = useState("");
  const waiting = useRef<StoredEvent[]>([]);
  const heard = useRef(0);
  const isStill = useRef(false);
  const isPaused = readParameter(address.value, "paused") !== undefined;

  const ids = new Set(streamed.map(({ id }) => id));
  const before = first.answer?.data.filter(({ id }) => !ids.has(id)) ?? [];
  const shown = [...streamed, ...before].slice(0, rows);

  const stream = useStream(isPaused ? undefined : "/api/v1/events/stream", ({ event, data }) => {
    if (event === "missed")
      heard.current += (JSON.parse(data) as { count: number | null }).count ?? 0;
    if (event !== "message") return;
    heard.current++;
    waiting.current.push(JSON.parse(data) as StoredEvent);
    if (waiting.current.length > atOnce) waiting.current.shift();
  });

  // What was stored after the list was read and before the stream began would be in neither. Later
  // streams begin where the one before ended.
  const wasOpen = useRef(false);
  useEffect(() => {
    if (!stream.isOpen || wasOpen.current) return;
    wasOpen.current = true;
    first.again();
  }, [stream.isOpen]);

  useEffect(() => {
    const timer = setInterval(() => {
      const came = heard.current;
      heard.current = 0;
      if (isPaused || isStill.current) return;
      const next = waiting.current.splice(0, atOnce).toReversed();
      if (next.length > 0) setStreamed((before) => [...next, ...before].slice(0, rows));
      setShownNote(came > next.length ? `${next.length} of ${format.number(came)} shown` : "");
    }, everyMs);
    return () => clearInterval(timer);
  }, [isPaused]);

  const hold = (still: boolean) => () => {
    isStill.current = still;
  };
  const note = isPaused ? "Paused" : stream.problem?.status === 403 ? "Needs live:read" : shownNote;
  return h(
    Card,
    {
      title: "Latest events",
      className: "now-latest",
      note: html`<span class="latest-note">${note}</span>
        <button
          type="button"
          class="button small pause"
          aria-pressed=${isPaused ? "true" : "false"}
          onClick=${() => change({ paused: isPaused ? undefined : "1" }, { replace: true })}
        >
          ${h(Icon, { name: isPaused ? "play" : "pause", size: 16 })}${isPaused ? "Go on" : "Pause"}
        </button>`,
      requests: [first],
      waiting: h(Waiting, { rows, height: 24 }),
    },
    html`<ul
      class="latest"
      onMouseEnter=${hold(true)}
      onMouseLeave=${hold(false)}
      onFocusIn=${hold(true)}
      onFocusOut=${hold(false)}
    >
      ${Array.from({ length: rows }, (_, place) =>
        h(LatestRow, {
          key: place,
          event: shown[place],
          otherwise: shown.length === 0 && place === 0 ? "Events appear here as they come." : "",
        }),
      )}
    </ul>`,
  );
}

/** One place of the window; where there is no event yet it has another text, or none. */
function LatestRow({
  event,
  otherwise,
}: {
  readonly event: StoredEvent | undefined;
  readonly otherwise: string;
}): VNode {
  if (event === undefined)
    return html`<li class="latest-row"><span class="latest-none muted">${otherwise}</span></li>`;
  const to = openedAddress("event", event.id);
  const wall = wallClock(Date.parse(event.timestamp), zone.value);
  const user = event.metadata?.["userId"] ?? event.metadata?.["anonymousId"] ?? "";
  return html`<li class="latest-row">
    <a href=${hrefOf(to)} onClick=${follow(to)}>
      <time datetime=${event.timestamp}>${format.clockParts(wall).seconds}</time>
      <span class="latest-type">${event.type}</span>
      <span class="latest-user">${typeof user === "string" ? user : ""}</span>
    </a>
  </li>`;
}
