import { h } from "preact";
import { useEffect } from "preact/hooks";
import type { Meta } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useAnswer, useAnswered } from "../api/use-answer.ts";
import { address, change, filters, hrefOf, range, zone } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { actorChoices, actorName, type Actor } from "../parts/actors.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { typesFor, useTypeNames } from "../parts/default-types.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { FilterChips, PropertyPicker, Question, Word, WordPicker } from "../parts/question.ts";
import { shownInstants } from "../parts/shown.ts";
import { readSort, Table, writeSort, type Column } from "../parts/table.ts";
import { Tips } from "../parts/tips.ts";
import type { CsvTable } from "../parts/tools.ts";
import {
  bodyFilters,
  filterInWords,
  propertyHead,
  propertyName,
  readStep,
  valueName,
  type Step,
} from "../pure/filter.ts";
import { counted, duration, number, percent, roundPercent } from "../pure/format.ts";
import { readParameter, readParameters } from "../pure/parameters.ts";
import { rangeName, rangeWithZone } from "../pure/range.ts";
import { fewestSteps, Steps } from "./funnel-steps.ts";

interface FunnelStep {
  readonly type: string;
  readonly users: number;
  readonly conversion: number;
  readonly stepConversion: number;
  readonly medianMs: number | null;
  readonly p90Ms: number | null;
}

interface FunnelAnswer {
  readonly steps: readonly FunnelStep[];
  readonly results?: readonly { readonly value: string; readonly steps: readonly FunnelStep[] }[];
  readonly valuesLeftOut?: number;
  readonly meta: Meta;
}

const likedTypes = ["email.sent", "email.delivered", "email.opened", "email.clicked"];
const windows = [
  { id: "1h", name: "1 hour" },
  { id: "1d", name: "1 day" },
  { id: "7d", name: "7 days" },
  { id: "30d", name: "30 days" },
  { id: "any", name: "any time" },
];

/** How many users get from step to step, and where they stop. */
export default function Funnel(): VNode {
  const known = useTypeNames();
  const chosen = readParameters(address.value, "step").flatMap((text) => readStep(text) ?? []);
  const isDefault = chosen.length === 0;
  const steps = isDefault
    ? typesFor(known ?? [], likedTypes, fewestSteps).map((type): Step => ({ type, filters: [] }))
    : chosen;
  const types = [...new Set(steps.map(({ type }) => type))];
  const actor = (readParameter(address.value, "actor") as Actor | undefined) ?? "user";
  const window = readParameter(address.value, "window") ?? "7d";
  const by = readParameter(address.value, "by");
  const isShort = steps.length < fewestSteps;
  const call: Call | undefined =
    isShort || (isDefault && known === undefined)
      ? undefined
      : { path: "/api/v1/query/funnel", body: bodyOf(steps, window, actor, by) };
  const request = useAnswer<FunnelAnswer>(call);
  const answer = isShort ? undefined : request.answer;
  const shown = useAnswered(request, call, { steps, types, actor, by });
  useEffect(() => {
    shownInstants.value = answer?.meta.range;
  }, [answer]);

  const [, many] = actorName(actor, types);
  const words = `How many ${many} get from ${steps.map(({ type }) => type).join(" to ")}`;
  usePageTitle(`Funnel: ${types.join(" to ")}, ${rangeName(range.value).toLowerCase()}`);
  const first = answer?.steps[0]?.users;
  return html`${h(
    Question,
    {
      words: `${words}, ${rangeName(range.value).toLowerCase()}`,
      shows:
        first === undefined
          ? "Show"
          : `Show ${counted(first, ...actorName(shown.actor, shown.types))}`,
    },
    h(Word, { text: "How many" }),
    h(WordPicker, {
      title: "Who is counted",
      choices: actorChoices(types),
      value: actor,
      onPick: (id) => change({ actor: id === "user" ? undefined : id }),
    }),
    h(Word, { text: "get from step to step within" }),
    h(WordPicker, {
      title: "Time from the first step to the last",
      choices: windows.some(({ id }) => id === window)
        ? windows
        : [...windows, { id: window, name: window }],
      value: window,
      onPick: (id) => change({ window: id === "7d" ? undefined : id }),
    }),
    h(Word, { text: "where" }),
    h(FilterChips, { types }),
    h(Word, { text: "by" }),
    h(PropertyPicker, {
      types: types.slice(0, 1),
      value: by,
      onPick: (property) => change({ by: property, row: undefined, sort: undefined }),
    }),
    h(Steps, { steps }),
  )}
  ${h(
    Card,
    {
      title: "From step to step",
      note: shown.by === undefined ? undefined : `by ${propertyName(shown.by)}`,
      requests: isShort ? [] : [request],
      waiting: h(Waiting, { rows: 1, height: 76 * steps.length - 44 }),
      tools: {
        calls: call === undefined ? [] : [call],
        instants: answer?.meta.range,
        csv: answer === undefined ? undefined : () => csvOf(answer),
        csvName: "funnel",
        savable:
          call === undefined
            ? undefined
            : {
                kind: "funnel",
                question: call.body,
                view: { address: hrefOf(address.value) },
                suggested: `funnel-${types.at(-1)!.replace(/^.*\./, "")}`,
                description: words,
              },
      },
      exactness:
        answer !== undefined &&
        h(Exactness, {
          meta: answer?.meta,
          first:
            (answer?.valuesLeftOut ?? 0) > 0
              ? `First ${answer.results!.length} values, ${counted(answer.valuesLeftOut!, "more is", "more are")} left out`
              : undefined,
          expectsCut: true,
        }),
    },
    isShort &&
      h(
        Nothing,
        { title: "Choose a second step." },
        html`<p class="muted">A funnel leads from one type of events to another.</p>`,
      ),
    answer !== undefined && h(Shown, { answer, ...shown, again: request.again }),
  )}`;
}

function bodyOf(
  steps: readonly Step[],
  window: string,
  actor: Actor,
  by: string | undefined,
): object {
  return {
    steps: steps.map(({ type, filters: own }) => {
      const all = bodyFilters([...own, ...filters.value]);
      return { type, ...(all !== undefined && { filters: all }) };
    }),
    ...(window !== "any" && { window }),
    by: actor,
    ...(by !== undefined && { breakdown: by }),
    ...rangeWithZone(range.value, zone.value),
  };
}

interface ShownProps {
  readonly answer: FunnelAnswer;
  readonly steps: readonly Step[];
  readonly actor: Actor;
  readonly types: readonly string[];
  readonly by: string | undefined;
  readonly again: () => void;
}

function Shown({ answer, steps, actor, types, by, again }: ShownProps): VNode {
  const rows = answer.results ?? [];
  const row = readParameter(address.value, "row");
  const picked = rows.find(({ value }) => value === row);
  if (answer.steps[0]?.users === 0) {
    return h(NoEvents, { again, what: actorName(actor, types)[1] });
  }
  return html`${
    row !== undefined &&
    picked === undefined &&
    html`<p class="hint">There is no ${valueName(row)} here. Shown instead: all.</p>`
  }
  ${
    picked !== undefined &&
    html`<p class="funnel-of">
      <strong>${valueName(picked.value)}</strong>
      <button
        type="button"
        class="button small"
        onClick=${() => change({ row: undefined }, { replace: true })}
      >
        Show all
      </button>
    </p>`
  }
  ${h(Bars, { shown: picked?.steps ?? answer.steps, steps, actor, types })}
  ${by !== undefined && h(Breakdown, { answer, by, picked: picked?.value })}`;
}

function Bars({
  shown,
  steps,
  actor,
  types,
}: {
  readonly shown: readonly FunnelStep[];
  readonly steps: readonly Step[];
  readonly actor: Actor;
  readonly types: readonly string[];
}): VNode {
  const [one, many] = actorName(actor, types);
  return h(
    Tips,
    {},
    html`<ol class="funnel">
      ${shown.map((step, index) => {
        const own = steps[index]?.filters ?? [];
        const next = shown[index + 1];
        return html`<li key=${index} class="funnel-row">
          <span class="funnel-name">
            <span class="funnel-number">${index + 1}</span>
            <span
              >${step.type}${own.length > 0 && html`<small>${own.map(filterInWords).join(", ")}</small>`}</span
            >
          </span>
          <span class="funnel-bar" style=${{ "--w": `${step.conversion * 100}%` }}></span>
          <span class="funnel-count"
            ><strong>${number(step.users)}</strong
            ><span
              >${index === 0 ? roundPercent(step.conversion) : percent(step.conversion)}</span
            ></span
          >
          ${next !== undefined && h(Onward, { step, next, one, many })}
        </li>`;
      })}
    </ol>`,
  );
}

/** "98.0 % go on, half of them within 1.2 s. 2,486 do not." */
function Onward({
  step,
  next,
  one,
  many,
}: {
  readonly step: FunnelStep;
  readonly next: FunnelStep;
  readonly one: string;
  readonly many: string;
}): VNode {
  const lost = step.users - next.users;
  const stay = lost === 0 ? "" : ` ${number(lost)} ${lost === 1 ? "does" : "do"} not.`;
  if (next.users === 0) return html`<span class="funnel-onward">Nobody goes on.</span>`;
  const tip = [
    `${counted(next.users, one, many)} of ${number(step.users)} go on`,
    ...(step.p90Ms === null ? [] : [`nine in ten of them within ${duration(step.p90Ms)}`]),
  ].join(", ");
  return html`<span class="funnel-onward"
    ><span data-tip=${tip}
      >${percent(next.stepConversion)} go
      on${step.medianMs !== null && `, half of them within ${duration(step.medianMs)}`}.</span
    >${stay}</span
  >`;
}

type ValueRow = NonNullable<FunnelAnswer["results"]>[number];

function Breakdown({
  answer,
  by,
  picked,
}: {
  readonly answer: FunnelAnswer;
  readonly by: string;
  readonly picked: string | undefined;
}): VNode {
  const columns: readonly Column<ValueRow>[] = [
    {
      id: "value",
      name: propertyHead(by),
      cell: ({ value }) =>
        html`<button
          type="button"
          class="row-button"
          aria-pressed=${value === picked ? "true" : "false"}
          onClick=${() => change({ row: value === picked ? undefined : value }, { replace: true })}
        >
          ${valueName(value)}
        </button>`,
      by: ({ value }) => valueName(value),
    },
    ...answer.steps.map(({ type }, index): Column<ValueRow> => ({
      id: `s${index + 1}`,
      name: `${index + 1} ${type}`,
      isNumber: true,
      cell: ({ steps }) =>
        html`${number(steps[index]!.users)}${index > 0 && html`<span class="share">${percent(steps[index]!.conversion)}</span>`}`,
      by: ({ steps }) => (index === 0 ? steps[index]!.users : steps[index]!.conversion),
    })),
  ];
  return h(Table<ValueRow>, {
    label: `Funnel by ${propertyName(by)}`,
    columns,
    rows: answer.results ?? [],
    keyOf: ({ value }) => value,
    sort: readSort(readParameter(address.value, "sort"), { column: "s1", direction: "desc" }),
    onSort: (sort) => change({ sort: writeSort(sort) }, { replace: true }),
    rowProps: ({ value }) => (value === picked ? { class: "is-picked" } : {}),
    className: "funnel-values",
    foot: html`<tr>
      <th scope="row">All</th>
      ${answer.steps.map(
        ({ users, conversion }, index) =>
          html`<td key=${index} class="number">
            ${number(users)}${index > 0 && html`<span class="share">${percent(conversion)}</span>`}
          </td>`,
      )}
    </tr>`,
  });
}

function csvOf({ steps, results }: FunnelAnswer): CsvTable {
  const head = [
    "value",
    "step",
    "type",
    "users",
    "conversion",
    "stepConversion",
    "medianMs",
    "p90Ms",
  ];
  const rows = (value: string, of: readonly FunnelStep[]) =>
    of.map((step, index) => [
      value,
      index + 1,
      step.type,
      step.users,
      step.conversion,
      step.stepConversion,
      step.medianMs,
      step.p90Ms,
    ]);
  return [
    head,
    ...rows("", steps),
    ...(results ?? []).flatMap(({ value, steps: of }) => rows(value, of)),
  ];
}
