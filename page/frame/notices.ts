import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { connection } from "../api/use-answer.ts";
import { mention } from "../parts/announce.ts";
import { html, type VNode } from "../parts/html.ts";
import { problemInWords } from "../parts/problem.ts";
import { comparedInstants } from "../parts/shown.ts";
import { parameter, parameterList } from "../pure/address.ts";
import { readFilter } from "../pure/filter.ts";
import { strayParameters } from "../pure/parameters.ts";
import { fixedRange, rangeName } from "../pure/range.ts";
import { address, change, comparison, filters, range, unknownZone, zone } from "./router.ts";
import { viewOf } from "./views.ts";

/**
 * The lines under a view's title: the compared range, the connection, and what of the address is
 * not read: parameters that are not known, values that cannot be meant.
 */
export function Notices(): VNode {
  return html`<div class="notices">
    ${h(Compared, {})}${h(Connection, {})}${h(Unfiltered, {})}${h(Unknown, {})}${h(Unread, {})}
  </div>`;
}

function Compared(): VNode | null {
  const instants = comparedInstants.value;
  if (comparison.value === undefined || instants === undefined) return null;
  return html`<p class="muted">Compared with ${rangeName(fixedRange(instants, zone.value))}</p>`;
}

/** Filters stay in the address from view to view; the live numbers are those of all events. */
function Unfiltered(): VNode | null {
  if (address.value.view !== "now" || filters.value.length === 0) return null;
  return html`<p class="muted">Filters do not apply here: these are all events.</p>`;
}

function Connection(): VNode | null {
  const { lost, refusal, retryAt, note } = connection.value;
  const why = lost
    ? "Connection lost."
    : refusal && `Live events are not sent now: ${problemInWords(refusal)}`;
  const [, tick] = useState(0);
  useEffect(() => {
    if (why !== undefined) mention(why);
    else if (note !== "") mention(note);
    if (why !== undefined) {
      const timer = setInterval(() => tick((value) => value + 1), 500);
      return () => clearInterval(timer);
    }
    if (note === "") return;
    const timer = setTimeout(() => (connection.value = { ...connection.value, note: "" }), 8_000);
    return () => clearTimeout(timer);
  }, [why, note]);
  if (why === undefined) return note === "" ? null : html`<p class="notice ok">${note}</p>`;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
  return html`<p class="notice bad">
    ${why} Trying again ${seconds > 0 ? `in ${seconds} s` : "now"}.
  </p>`;
}

/** Values that cannot be meant; without this line other numbers would be taken for those asked. */
function Unread(): VNode | null {
  const { unread, rest } = strayParameters(address.value);
  const asked = viewOf(address.value.view).pickers.includes("range")
    ? parameter(address.value, "range")
    : undefined;
  const texts = parameterList(address.value, "f");
  const readable = texts.filter((text) => readFilter(text) !== undefined);
  const stray = texts.filter((text) => !readable.includes(text));
  const lines = [
    asked !== undefined &&
      asked !== range.value &&
      `${asked} is no range. Shown instead: ${rangeName(range.value).toLowerCase()}.`,
    stray.length > 0 && `No filter, and left out: ${stray.join("; ")}.`,
    unread.length > 0 &&
      `Not understood, and left out: ${unread.map(([name, text]) => `${name}=${text}`).join("; ")}.`,
    unknownZone.value !== undefined &&
      `There is no zone ${unknownZone.value}. Shown instead: ${zone.value}.`,
  ].filter((line) => line !== false);
  if (lines.length === 0) return null;
  return html`<p class="notice">
    ${lines.join(" ")}
    <button
      type="button"
      class="button small"
      onClick=${() => {
        unknownZone.value = undefined;
        change(
          { ...rest, f: readable, ...(asked !== range.value && { range: undefined }) },
          { replace: true },
        );
      }}
    >
      Remove
    </button>
  </p>`;
}

function Unknown(): VNode | null {
  const { unknown } = strayParameters(address.value);
  if (unknown.length === 0) return null;
  return html`<p class="notice">
    Not known here and ignored: ${unknown.join(", ")}.
    <button
      type="button"
      class="button small"
      onClick=${() => change(Object.fromEntries(unknown.map((name) => [name, undefined])), { replace: true })}
    >
      Remove
    </button>
  </p>`;
}
