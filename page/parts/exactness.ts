import { h } from "preact";
import type { Meta } from "../api/answers.ts";
import { hrefOf, addressOf, follow, zone } from "../frame/router.ts";
import { counted, duration, clockParts, dayShort } from "../pure/format.ts";
import { exactInWords, isCut } from "../pure/inexact.ts";
import { wallClock } from "../pure/zone.ts";
import { html, type VNode } from "./html.ts";

/**
 * An instant by the clock of the shown zone, with its ISO text in a tip: `14:24:09`, with the day
 * where that is not today.
 */
export function Instant({
  at,
  day = false,
}: {
  readonly at: string;
  readonly day?: boolean;
}): VNode {
  const wall = wallClock(Date.parse(at), zone.value);
  const today = wallClock(Date.now(), zone.value);
  const isToday = wall.slice(0, 10) === today.slice(0, 10);
  const time = clockParts(wall).seconds;
  const text = isToday && !day ? time : `${dayShort(wall, today)}, ${time}`;
  return html`<time datetime=${at}>${text}</time>`;
}

const staleMs = 10_000;

/**
 * How exact and how fresh an answer is: "Exact · as of 14:24:09 · from rollups in 4 ms", always in
 * this order.
 * @param also further answers of which numbers are shown
 * @param before the answers about the range that is compared with
 * @param first text before it: "First 50 values"
 * @param expectsCut rows beyond the limit are expected, and `first` mentions them
 */
export function Exactness({
  meta,
  also = [],
  before = [],
  first,
  expectsCut = false,
}: {
  readonly meta: Meta | undefined;
  readonly also?: readonly (Meta | undefined)[];
  readonly before?: readonly (Meta | undefined)[];
  readonly first?: string | undefined;
  readonly expectsCut?: boolean;
}): VNode {
  if (meta === undefined) return html`<p class="exactness"></p>`;
  const left = meta.rowsLeftOut ?? 0;
  const cut =
    !isCut(meta) || expectsCut
      ? undefined
      : left > 0
        ? `Left out: ${counted(left, "row")}`
        : "Not all values are shown";
  const exact = exactInWords([meta, ...also], before);
  const isStale = meta.lagMs > staleMs;
  const source = {
    rollup: "from rollups",
    events: "from events",
    mixed: "from rollups and events",
  };
  const from = meta.source === undefined ? "" : `${source[meta.source]} in ${took(meta.tookMs)}`;
  return html`<p class=${`exactness${isStale ? " stale" : ""}`}>
    ${[first, cut].filter((text) => text !== undefined).map((text) => `${text} · `)}${exact} · as
    of${" "}
    ${h(Instant, { at: meta.asOf })}${
      isStale &&
      html`, ${duration(meta.lagMs)} ago:${" "}
        <a href=${hrefOf(addressOf("health"))} onClick=${follow(addressOf("health"))}
          >counting is behind</a
        >`
    }${from !== "" && ` · ${from}`}
  </p>`;
}

function took(ms: number | undefined): string {
  if (ms === undefined) return "no time";
  return ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : duration(ms);
}
