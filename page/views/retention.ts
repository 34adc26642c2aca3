import { h } from "preact";
import { useEffect } from "preact/hooks";
import type { Meta } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useAnswer, useAnswered } from "../api/use-answer.ts";
import { address, change, filters, hrefOf, range, zone } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { actorChoices, actorName, type Actor } from "../parts/actors.ts";
import { Card, Waiting } from "../parts/card.ts";
import { typesFor, useTypeNames } from "../parts/default-types.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { FilterChips, Question, TypePicker, Word, WordPicker } from "../parts/question.ts";
import { shownInstants } from "../parts/shown.ts";
import { Tips } from "../parts/tips.ts";
import type { CsvTable } from "../parts/tools.ts";
import {
  cohortPeriodFor,
  cohortRows,
  cohortTable,
  shade,
  type Cohort,
  type CohortCell,
  type CohortPeriod,
  type CohortRow,
  type CohortTable,
} from "../pure/cohorts.ts";
import { bodyFilters, type BodyFilter } from "../pure/filter.ts";
import { counted, dayShort, number, percent, periodName, roundPercent } from "../pure/format.ts";
import { readParameter } from "../pure/parameters.ts";
import { bodyRange, lengthOf, rangeName } from "../pure/range.ts";

interface RetentionAnswer {
  readonly cohorts: readonly Cohort[];
  readonly meta: Meta;
}

const periods: readonly { readonly id: CohortPeriod; readonly name: string }[] = [
  { id: "day", name: "day" },
  { id: "week", name: "week" },
  { id: "month", name: "month" },
];

const shapes = [
  { id: "percent", name: "Percent", icon: "percent" },
  { id: "people", name: "People", icon: "people" },
] as const;

/** Who comes back. */
export default function Retention(): VNode {
  const known = useTypeNames();
  const [liked = ""] = typesFor(known ?? [], ["email.opened"], 1);
  const first = readParameter(address.value, "first") ?? liked;
  const back = readParameter(address.value, "back") ?? first;
  const types = [...new Set([first, back])];
  const asked = readParameter(address.value, "per") as CohortPeriod | undefined;
  const per = asked ?? cohortPeriodFor(lengthOf(range.value));
  const actor = (readParameter(address.value, "actor") as Actor | undefined) ?? "user";
  const isPeople = readParameter(address.value, "shape") === "people";
  const isReady = known !== undefined || readParameter(address.value, "first") !== undefined;
  const own = bodyFilters(filters.value);
  const call: Call | undefined = isReady
    ? {
        path: "/api/v1/query/retention",
        body: {
          first: selection(first, own),
          returning: selection(back, own),
          interval: per,
          timezone: zone.value,
          by: actor,
          range: bodyRange(range.value, zone.value),
        },
      }
    : undefined;
  const request = useAnswer<RetentionAnswer>(call);
  const { answer } = request;
  const shown = useAnswered(request, call, {
    ...{ per, types, actor, zone: zone.value },
    hasEnds: range.value !== "all",
  });
  useEffect(() => {
    shownInstants.value = answer?.meta.range;
  }, [answer]);

  const [one, many] = actorName(shown.actor, shown.types);
  const words = `${actorName(actor, types)[1]} who did ${first} and come back to ${back}, per ${per}`;
  const sentence = words.slice(0, 1).toUpperCase() + words.slice(1);
  usePageTitle(`Retention: ${back} after ${first}, ${rangeName(range.value).toLowerCase()}`);
  const at = answer && {
    per: shown.per,
    zone: shown.zone,
    asOf: answer.meta.asOf,
    range: shown.hasEnds ? answer.meta.range : undefined,
  };
  const table = at && cohortTable(answer.cohorts, at);
  return html`${h(
    Question,
    {
      words: `${sentence}, ${rangeName(range.value).toLowerCase()}`,
      shows: table === undefined ? "Show" : `Show ${counted(table.size, one, many)}`,
    },
    h(Word, { text: "Of" }),
    h(WordPicker, {
      title: "Who is counted",
      choices: actorChoices(types),
      value: actor,
      onPick: (id) => change({ actor: id === "user" ? undefined : id }),
    }),
    h(Word, { text: "whose first is" }),
    h(TypePicker, {
      text: first,
      className: "chip pick",
      picked: [first],
      onPick: (type) => change({ first: type, back }),
    }),
    h(Word, { text: "how many come back to" }),
    h(TypePicker, {
      text: back,
      className: "chip pick",
      picked: [back],
      onPick: (type) => change({ first, back: type }),
    }),
    h(Word, { text: "where" }),
    h(FilterChips, { types }),
    h(Word, { text: "per" }),
    h(WordPicker, {
      title: "Periods",
      choices: periods,
      value: per,
      onPick: (id) => change({ per: id }),
    }),
  )}
  ${h(
    Card,
    {
      title: "Who comes back",
      requests: [request],
      waiting: h(Waiting, { rows: 7, height: 34 }),
      tools: {
        shapes,
        shape: isPeople ? "people" : "percent",
        calls: call === undefined ? [] : [call],
        instants: answer?.meta.range,
        csv: at && (() => csvOf(cohortRows(answer.cohorts, at))),
        csvName: "retention",
        savable:
          call === undefined
            ? undefined
            : {
                kind: "retention",
                question: call.body,
                view: { address: hrefOf(address.value) },
                suggested: `retention-${back.replace(/^.*\./, "")}`,
                description: sentence,
              },
      },
      exactness: answer !== undefined && h(Exactness, { meta: answer?.meta }),
    },
    table !== undefined &&
      (table.size === 0
        ? h(NoEvents, { again: request.again, what: many })
        : h(Cohorts, { table, per: shown.per, isPeople, one, many })),
  )}`;
}

function selection(type: string, own: BodyFilter | undefined): object {
  return { type, ...(own !== undefined && { filters: own }) };
}

interface CohortsProps {
  readonly table: CohortTable;
  readonly per: CohortPeriod;
  readonly isPeople: boolean;
  readonly one: string;
  readonly many: string;
}

function Cohorts({ table, per, isPeople, one, many }: CohortsProps): VNode {
  const name = `${per.slice(0, 1).toUpperCase()}${per.slice(1)}`;
  const last = table.rows.at(-1)?.start ?? "";
  const cell = (shown: CohortCell, column: number, cohort: string) =>
    h(Cell, { key: column, cell: shown, column, cohort, per, isPeople, top: table.top, one, many });
  return h(
    Tips,
    {},
    html`<div class="table-wrap cohorts" tabindex="0" role="region" aria-label="Retention">
        <table>
          <thead>
            <tr>
              <th scope="col">
                ${{ day: "First day", week: "Week of", month: "First month" }[per]}
              </th>
              <th scope="col" class="number">${many.slice(0, 1).toUpperCase() + many.slice(1)}</th>
              ${table.all.map((_, column) => html`<th key=${column} scope="col">${name} ${column}</th>`)}
            </tr>
          </thead>
          <tbody>
            <tr class="cohorts-all">
              <th scope="row">All cohorts</th>
              <td class="number">${number(table.size)}</td>
              ${table.all.map((all, column) =>
                all === undefined
                  ? html`<td key=${column}><span class="heat heat-0">–</span></td>`
                  : cell(all, column, "All cohorts"),
              )}
            </tr>
            ${table.rows.map(({ start, size, cells }) => {
              const cohort = periodName(start, per, { beside: last });
              return html`<tr key=${start}>
                <th scope="row">
                  <time datetime=${start}>${per === "month" ? cohort : dayShort(start, last)}</time>
                </th>
                <td class="number">${number(size)}</td>
                ${cells.map((one, column) => cell(one, column, cohort))}
                ${Array.from(
                  { length: table.all.length - cells.length },
                  (_, index) => html`<td key=${cells.length + index}></td>`,
                )}
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
      ${h(Legend, { top: table.top, before: table.emptyBefore, per, many })}`,
  );
}

function Cell({
  cell: { state, returned, size, share },
  column,
  cohort,
  per,
  isPeople,
  top,
  one,
  many,
}: {
  readonly cell: CohortCell;
  readonly column: number;
  readonly cohort: string;
  readonly top: number;
} & Omit<CohortsProps, "table">): VNode {
  if (state === "ahead" || share === null) return html`<td></td>`;
  const open = state === "open" ? ` This ${per} is not over.` : "";
  const when = column === 0 ? `in the same ${per}` : `${counted(column, per)} later`;
  const tip = `${cohort}: ${number(returned)} of ${counted(size, one, many)} come back ${when}, ${percent(share)}.${open}`;
  return html`<td>
    <span
      class=${`heat heat-${shade(share, top)}${state === "open" ? " is-open" : ""}`}
      data-tip=${tip}
      >${isPeople ? number(returned) : roundPercent(share)}${state === "open" && html`<span class="visually-hidden">, not over</span>`}</span
    >
  </td>`;
}

function Legend({
  top,
  before,
  per,
  many,
}: {
  readonly top: number;
  readonly before: number;
  readonly per: CohortPeriod;
  readonly many: string;
}): VNode {
  return html`<p class="heat-legend">
    ${
      top > 0 &&
      html`<span class="heat-key">
        0 %
        <span class="heat-scale" aria-hidden="true">
          ${[1, 2, 3, 4, 5, 6, 7].map((step) => html`<span key=${step} class=${`heat heat-${step}`}></span>`)}
        </span>
        ${percent(top)} and more
      </span>`
    }
    <span class="heat-key">
      <span class="heat heat-3 is-open" aria-hidden="true"></span>
      not over, left out of “All cohorts”
    </span>
    ${before > 0 && html`<span>${counted(before, per)} before had no ${many}</span>`}
  </p>`;
}

function csvOf(rows: readonly CohortRow[]): CsvTable {
  const columns = Math.max(0, ...rows.map(({ cells }) => cells.length));
  return [
    ["start", "size", ...Array.from({ length: columns }, (_, index) => `returned ${index}`)],
    ...rows.map(({ start, size, cells }) => [start, size, ...cells.map(begun)]),
  ];
}

/** A period that has not begun is blank, never 0. */
function begun({ state, returned }: CohortCell): number | undefined {
  return state === "ahead" ? undefined : returned;
}
