import { h } from "preact";
import { useId, useState } from "preact/hooks";
import { change, range, zone } from "../frame/router.ts";
import { counted, dayInFull, monthAndYear, clockParts, dayShort } from "../pure/format.ts";
import {
  daysOf,
  fixedRange,
  isRange,
  isRelative,
  rangeName,
  rangeWords,
  type Instants,
} from "../pure/range.ts";
import { addDays, addMonths, placeOf, wallClock, weekdayOf } from "../pure/zone.ts";
import { html, type VNode } from "./html.ts";
import { Icon } from "./icon.ts";
import { Popover } from "./popover.ts";
import { shownInstants } from "./shown.ts";

/** The button of the range with its panel: a list that applies at once, and a calendar. */
export function RangePicker(): VNode {
  return h(Popover, {
    text: rangeName(range.value),
    label: `Range: ${rangeName(range.value)}`,
    icon: "calendar",
    arrow: true,
    title: "Range",
    panelClass: "range-panel",
    content: (close) => h(RangePanel, { close }),
  });
}

function RangePanel({ close }: { readonly close: () => void }): VNode {
  const instants = shownInstants.value;
  const shown = daysShown(instants);
  const [first, setFirst] = useState<string | undefined>(shown?.[0]);
  const [last, setLast] = useState<string | undefined>(shown?.[1]);
  const today = wallClock(Date.now(), zone.value).slice(0, 10);
  const at = clockParts(last ?? today);
  const [month, setMonth] = useState<readonly [number, number]>(() =>
    addMonths(at.year, at.month, -1),
  );
  const [text, setText] = useState(
    isRelative(range.value) && instants === undefined ? "" : typedText(instants),
  );
  const hint = useId();
  const typed = text.trim().replace(/\s*(–|\bto\b)\s*/, "..");
  const isValid = isRange(typed);
  const isWrong = typed !== "" && !isValid;

  function choose(date: string): void {
    if (first === undefined || last !== undefined) {
      setFirst(date);
      setLast(undefined);
      setText(`${date}..${date}`);
      return;
    }
    const ends = first <= date ? [first, date] : [date, first];
    setFirst(ends[0]);
    setLast(ends[1]);
    setText(`${ends[0]}..${ends[1]}`);
  }
  function apply(to: string): void {
    change({ range: to });
    close();
  }
  function applyChosen(event: Event): void {
    event.preventDefault();
    if (isValid) apply(typed);
    else if (!isWrong && first !== undefined) apply(`${first}..${last ?? first}`);
  }
  const months = [month, addMonths(month[0], month[1], 1)] as const;
  return html`<form class="range" onSubmit=${applyChosen}>
    <ul class="range-words">
      ${rangeWords.map(
        (entry) =>
          html`<li key=${entry.word} class=${`range-group-${entry.group}`}>
            <button
              type="button"
              data-first=${entry.word === range.value ? true : undefined}
              aria-pressed=${entry.word === range.value ? "true" : "false"}
              onClick=${() => apply(entry.word)}
            >
              ${entry.name}${"key" in entry && html`<kbd>${entry.key.toUpperCase()}</kbd>`}
            </button>
          </li>`,
      )}
    </ul>
    <div class="calendar">
      <div class="months">
        <button
          type="button"
          class="icon-button previous"
          aria-label="Month before"
          onClick=${() => setMonth(addMonths(month[0], month[1], -1))}
        >
          ${h(Icon, { name: "left" })}
        </button>
        <button
          type="button"
          class="icon-button next"
          aria-label="Month after"
          onClick=${() => setMonth(addMonths(month[0], month[1], 1))}
        >
          ${h(Icon, { name: "right" })}
        </button>
        ${months.map(([year, number]) =>
          h(Month, {
            key: `${year}-${number}`,
            year,
            month: number,
            first,
            last,
            today,
            choose,
            turn: setMonth,
          }),
        )}
      </div>
      <label class="field typed"
        ><span>Days or times</span
        ><input
          value=${text}
          placeholder="2026-10-28..2026-11-26"
          autocomplete="off"
          spellcheck=${false}
          aria-invalid=${isWrong ? "true" : "false"}
          aria-describedby=${hint}
          onInput=${(event: InputEvent) => setText((event.target as HTMLInputElement).value)}
      /></label>
    </div>
    <footer class="range-foot">
      <span id=${hint} class=${isWrong ? "problem-line" : "muted"}
        >${isWrong ? "Such as 2026-10-28..2026-11-26, or with times: 2026-10-28T09:00" : inWords(instants)}</span
      >
      <button
        type="submit"
        class="button primary"
        disabled=${isWrong || (!isValid && first === undefined)}
      >
        Apply
      </button>
    </footer>
  </form>`;
}

function daysShown(instants: Instants | undefined): readonly [string, string] | undefined {
  if (instants === undefined) return undefined;
  const [first = "", last = ""] = fixedRange(instants, zone.value).split("..");
  return [first.slice(0, 10), last.slice(0, 10)];
}

function typedText(instants: Instants | undefined): string {
  return instants === undefined ? "" : fixedRange(instants, zone.value);
}

/** `28 Oct 00:00 – 26 Nov 14:24, Berlin time, 30 days`. */
function inWords(instants: Instants | undefined): string {
  if (instants === undefined) return `${placeOf(zone.value)} time`;
  const [from, to] = [instants.from, instants.to].map((text) =>
    wallClock(Date.parse(text), zone.value),
  );
  const spoken = [from!, to!].map((wall) => `${dayShort(wall, to)} ${clockParts(wall).time}`);
  const days = counted(daysOf(instants, zone.value), "day");
  return `${spoken.join(" – ")}, ${placeOf(zone.value)} time, ${days}`;
}

interface MonthProps {
  readonly year: number;
  readonly month: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly today: string;
  readonly choose: (date: string) => void;
  readonly turn: (month: readonly [number, number]) => void;
}

const weekdays = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

/**
 * One month; arrows move by day and week, PageUp and PageDown by month. Only one day of all is a
 * stop of Tab.
 */
function Month({ year, month, first, last, today, choose, turn }: MonthProps): VNode {
  const start = `${year}-${String(month).padStart(2, "0")}-01`;
  const [nextYear, nextMonth] = addMonths(year, month, 1);
  const end = `${nextYear}-${String(nextMonth).padStart(2, "0")}-01`;
  const blanks = weekdayOf(start);
  const days: string[] = [];
  for (let day = start; day < end; day = addDays(day, 1)) days.push(day);
  const stop = [last, first, today, start].find(
    (day) => day !== undefined && day >= start && day < end,
  );

  function press(event: KeyboardEvent): void {
    const date = (event.target as HTMLElement).dataset["date"];
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -7,
      ArrowDown: 7,
    };
    if (date === undefined) return;
    let to = steps[event.key] === undefined ? undefined : addDays(date, steps[event.key]!);
    if (event.key === "PageUp" || event.key === "PageDown") {
      const at = addMonths(year, month, event.key === "PageUp" ? -1 : 1);
      to = `${at[0]}-${String(at[1]).padStart(2, "0")}-${date.slice(8)}`;
    }
    if (to === undefined) return;
    event.preventDefault();
    const calendar = (event.currentTarget as HTMLElement).closest(".months")!;
    const focus = () => calendar.querySelector<HTMLElement>(`[data-date="${to}"]`)?.focus();
    if (calendar.querySelector(`[data-date="${to}"]`) === null) {
      const { year: toYear, month: toMonth } = clockParts(to);
      turn(to < start ? [toYear, toMonth] : addMonths(toYear, toMonth, -1));
      requestAnimationFrame(() => requestAnimationFrame(focus));
    } else {
      focus();
    }
  }

  return html`<div class="month" onKeyDown=${press}>
    <h3>${monthAndYear(year, month)}</h3>
    <div class="days">
      ${weekdays.map((name) => html`<span key=${name} class="weekday" aria-hidden="true">${name}</span>`)}
      ${Array.from({ length: blanks }, (_, index) => html`<span key=${`blank ${index}`}></span>`)}
      ${days.map((date) => {
        const isEnd = date === first || date === last;
        const isWithin = first !== undefined && last !== undefined && date > first && date < last;
        return html`<button
          key=${date}
          type="button"
          class=${`day${isEnd ? " end" : ""}${isWithin ? " within" : ""}${date === today ? " today" : ""}`}
          data-date=${date}
          tabindex=${date === stop ? 0 : -1}
          aria-label=${dayInFull(date)}
          aria-pressed=${isEnd || isWithin ? "true" : "false"}
          disabled=${date > today}
          onClick=${() => choose(date)}
        >
          ${Number(date.slice(8))}
        </button>`;
      })}
    </div>
  </div>`;
}
