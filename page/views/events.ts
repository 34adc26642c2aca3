import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EventList, StoredEvent } from "../api/answers.ts";
import { withParameters, type Call } from "../api/client.ts";
import { currentAnswer, useAnswer } from "../api/use-answer.ts";
import { useStream } from "../api/use-stream.ts";
import {
  address,
  change,
  filters,
  follow,
  go,
  hrefOf,
  openedAddress,
  range,
  zone,
} from "../frame/router.ts";
import { keysAreOn } from "../frame/keys.ts";
import { usePageTitle } from "../frame/title.ts";
import { announce } from "../parts/announce.ts";
import { Card, Waiting } from "../parts/card.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { FilterNotes } from "../parts/filter-notes.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { FilterChips, Question, TypeChips, Word, WordPicker } from "../parts/question.ts";
import { shownInstants } from "../parts/shown.ts";
import { Table, type Column } from "../parts/table.ts";
import type { Address } from "../pure/address.ts";
import { filterInWords, type Filter } from "../pure/filter.ts";
import * as format from "../pure/format.ts";
import { listFilters, type ListFilters } from "../pure/list-filters.ts";
import { readParameter, readParameters } from "../pure/parameters.ts";
import { isOver, rangeName, rangeParameters } from "../pure/range.ts";
import { wallClock } from "../pure/zone.ts";
import { OpenedEvent } from "./event.ts";
import { Find } from "./event-find.ts";
import { pageRows, useMore } from "./event-pages.ts";
import { OpenedStory } from "./story.ts";

/** Finds events, and shows one whole. */
export default function Events(): VNode {
  const { opened } = address.value;
  const types = readParameters(address.value, "type");
  const words = inWords(types);
  usePageTitle(
    opened === undefined
      ? `Events: ${words}, ${rangeName(range.value).toLowerCase()}`
      : `Event ${opened.id}`,
  );
  const hasOpen = opened?.kind === "event" || opened?.kind === "story";
  useKeptFocus(opened);
  return html`${h(
      Question,
      { words },
      html`${h(TypeChips, { types, onChange: (to) => change({ type: to }) })}
      ${h(Word, { text: "where" })} ${h(FilterChips, { types })}
      ${h(WordPicker, {
        title: "Order",
        value: readParameter(address.value, "order") ?? "desc",
        choices: [
          { id: "desc", name: "newest first" },
          { id: "asc", name: "oldest first" },
        ],
        onPick: (id) => change({ order: id === "desc" ? undefined : id }),
      })}
      ${h(Find, {})}`,
    )}
    ${h(FilterNotes, askedOf(types))}
    <div class=${`events${hasOpen ? " has-open" : ""}`}>
      ${h(List, { types })}
      ${opened?.kind === "event" && h(OpenedEvent, { key: opened.id, id: opened.id })}
      ${opened?.kind === "story" && h(OpenedStory, { key: opened.id, id: opened.id })}
    </div>`;
}

/**
 * Where an event or a story is opened or closed, and what had the focus is gone: puts it on the
 * opened card's heading, or on the row from which the card was opened.
 */
function useKeptFocus(opened: Address["opened"]): void {
  const before = useRef(opened);
  const row = useRef<string>(undefined);
  if (opened?.kind === "event") row.current = opened.id;
  useEffect(() => {
    const hasChanged = before.current?.id !== opened?.id;
    before.current = opened;
    if (!hasChanged || !isFocusLost()) return;
    const links = [...document.querySelectorAll<HTMLElement>(".event-link")];
    const place =
      opened === undefined
        ? links.find(({ dataset }) => dataset["event"] === row.current)
        : document.querySelector<HTMLElement>(".event-card h2");
    if (opened !== undefined) place?.setAttribute("tabindex", "-1");
    (place ?? document.querySelector<HTMLElement>("h1"))?.focus();
  }, [opened?.id]);
}

/** Whether what had the focus was removed, or is not shown any more. */
function isFocusLost(): boolean {
  const { activeElement, body } = document;
  return (
    activeElement === null || activeElement === body || activeElement.getClientRects().length === 0
  );
}

function inWords(types: readonly string[]): string {
  const what = types.length === 0 ? "all types" : types.join(", ");
  const where = filters.value.map(filterInWords).join(", ");
  return where === "" ? what : `${what} where ${where}`;
}

/** The list's types and filters, without its range. */
function askedOf(types: readonly string[]): ListFilters {
  const ofTypes: Filter = { op: "shown_as", property: "type", values: types };
  return listFilters(
    [...(types.length > 0 ? [ofTypes] : []), ...filters.value],
    ["type", "source", "correlationId"],
  );
}

/** The list's first page, and all of its events as an export. */
function callsOf(types: readonly string[]): { readonly list: Call; readonly all: Call } {
  const parameters = [
    ...askedOf(types).parameters,
    ...rangeParameters(range.value, zone.value),
    ["order", readParameter(address.value, "order") ?? "desc"] as const,
  ];
  const firstPage = [["limit", pageRows] as const, ["include", "total"] as const];
  return {
    list: { path: withParameters("/api/v1/events", [...parameters, ...firstPage]) },
    all: { path: withParameters("/api/v1/events/export", [...parameters, ["format", "csv"]]) },
  };
}

function List({ types }: { readonly types: readonly string[] }): VNode {
  const { list: call, all } = callsOf(types);
  const request = useAnswer<EventList>(call);
  const { answer } = request;
  const more = useMore(call, answer, currentAnswer(request, call) !== undefined);
  const rows = [...(answer?.data ?? []), ...more.rows];
  const canFollow = !isOver(range.value, zone.value, Date.now());
  const follows = canFollow && readParameter(address.value, "follow") !== undefined;
  const fresh = useFresh(types, follows, answer);
  useEffect(() => {
    shownInstants.value = answer?.meta.range;
  }, [answer]);
  useWalk(rows);
  const total = answer?.total;
  return h(
    Card,
    {
      title: "Events",
      className: "list-card",
      note: html`<span class="list-total"
          >${total === undefined ? "" : format.counted(total, "event")}</span
        >
        ${
          canFollow &&
          html`<button
            type="button"
            class=${`button small${follows ? " is-on" : ""}`}
            aria-pressed=${follows ? "true" : "false"}
            onClick=${() => change({ follow: follows ? undefined : "1" }, { replace: true })}
          >
            ${h(Icon, { name: follows ? "pause" : "play", size: 16 })}${follows ? "Following" : "Follow"}
          </button>`
        }
        ${
          fresh > 0 &&
          html`<button type="button" class="button small primary" onClick=${request.again}>
            ${format.number(fresh)} new
          </button>`
        }`,
      requests: [request],
      waiting: h(Waiting, { rows: 24, height: 28 }),
      tools: {
        calls: [all],
        curlNote: "This asks for all events of the list.",
        instants: answer?.meta.range,
        csv: () => csvOf(rows),
        csvText: more.hasNext ? `CSV of ${format.number(rows.length)} shown` : undefined,
        csvName: `events-${range.value}`,
      },
      exactness: h(Exactness, { meta: answer?.meta }),
    },
    rows.length === 0 ? h(NoEvents, { again: request.again }) : h(Rows, { rows }),
    more.hasNext &&
      html`<div class="list-more">
        <button
          type="button"
          class="button"
          disabled=${more.isLoading || !more.isCurrent}
          onClick=${more.ask}
        >
          ${more.isLoading ? "Asking" : `Show ${pageRows} more`}
        </button>
        <span class="muted">${format.counted(rows.length, "event")} shown</span>
      </div>`,
    more.problem !== undefined && html`<p class="problem-line" role="alert">${more.problem}</p>`,
  );
}

/** How many events of the list came since it was read: they are offered, not inserted. */
function useFresh(
  types: readonly string[],
  follows: boolean,
  answer: EventList | undefined,
): number {
  const [count, setCount] = useState(0);
  useEffect(() => setCount(0), [answer]);
  const path = withParameters("/api/v1/events/stream", [
    ...askedOf(types).parameters,
    ...rangeParameters(range.value, zone.value),
    ["fields", "type"],
  ]);
  useStream(follows ? path : undefined, ({ event, data }) => {
    if (event === "message") setCount((before) => before + 1);
    if (event === "missed") {
      const { count: missed } = JSON.parse(data) as { count: number | null };
      setCount((before) => before + (missed ?? 0));
    }
  });
  return count;
}

/** J and K, where single keys act, and arrows walk the list while an event is open. */
function useWalk(rows: readonly StoredEvent[]): void {
  useEffect(() => {
    function press(event: KeyboardEvent): void {
      const { opened } = address.value;
      if (opened?.kind !== "event" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLInputElement) return;
      const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
      const ownKeys = "[role=application], dialog, .panel, .table-wrap:focus";
      if (step === undefined || (event.target as Element).closest(ownKeys) !== null) return;
      if (event.key.length === 1 && !keysAreOn.value) return;
      const at = rows.findIndex(({ id }) => id === opened.id);
      const next = rows[at + step];
      if (at < 0 || next === undefined) return;
      event.preventDefault();
      go(openedAddress("event", next.id), { replace: true });
      announce(`${next.type}, ${next.id}`);
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [rows]);
}

function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : value === undefined || value === null
      ? ""
      : JSON.stringify(value);
}

function Rows({ rows }: { readonly rows: readonly StoredEvent[] }): VNode {
  const today = wallClock(Date.now(), zone.value).slice(0, 10);
  const cut = (value: unknown) =>
    html`<span class="cell-cut" title=${textOf(value)}>${textOf(value)}</span>`;
  const columns: readonly Column<StoredEvent>[] = [
    {
      id: "time",
      name: "Time",
      className: "cell-time tabular",
      cell: (event) => {
        const wall = wallClock(Date.parse(event.timestamp), zone.value);
        const { seconds } = format.clockParts(wall);
        const to = openedAddress("event", event.id);
        return html`<a
          class="event-link"
          data-event=${event.id}
          href=${hrefOf(to)}
          onClick=${follow(to)}
          ><time datetime=${event.timestamp}
            >${wall.startsWith(today) ? seconds : `${format.dayShort(wall, today)}, ${seconds}`}</time
          ></a
        >`;
      },
    },
    { id: "type", name: "Type", className: "cell-type", cell: ({ type }) => type },
    {
      id: "user",
      name: "User",
      className: "cell-user",
      cell: ({ metadata }) => cut(metadata?.["userId"] ?? metadata?.["anonymousId"]),
    },
    {
      id: "campaign",
      name: "Campaign",
      className: "cell-campaign",
      cell: ({ metadata }) => cut(metadata?.["campaignId"]),
    },
    {
      id: "provider",
      name: "Provider",
      className: "open-hides",
      cell: ({ context }) => cut(context?.["emailProvider"]),
    },
    { id: "source", name: "Source", className: "open-hides", cell: ({ source }) => cut(source) },
  ];
  const openId = address.value.opened?.id;
  return h(Table<StoredEvent>, {
    label: "List of events",
    className: "event-table",
    columns,
    rows,
    keyOf: ({ id }) => id,
    rowProps: ({ id }) => ({
      class: `event-row${id === openId ? " is-open" : ""}`,
      onClick: (event: MouseEvent) => {
        if ((event.target as Element).closest("a") === null) go(openedAddress("event", id));
      },
    }),
  });
}

function csvOf(rows: readonly StoredEvent[]) {
  return [
    ["id", "type", "timestamp", "source", "correlationId", "data", "metadata", "context"],
    ...rows.map((event) => [
      ...[event.id, event.type, event.timestamp, event.source, event.correlationId],
      ...[event.data, event.metadata, event.context].map((value) =>
        value === undefined ? "" : JSON.stringify(value),
      ),
    ]),
  ];
}
