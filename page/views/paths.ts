import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Meta } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useAnswer, useAnswered } from "../api/use-answer.ts";
import { address, change, filters, hrefOf, range, zone } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { actorChoices, actorName, ofMails, type Actor } from "../parts/actors.ts";
import { Card, Waiting } from "../parts/card.ts";
import { typesFor, useTypeNames } from "../parts/default-types.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { FilterChips, Question, TypePicker, Word, WordPicker } from "../parts/question.ts";
import { shownInstants } from "../parts/shown.ts";
import { readSort, Table, writeSort, type Column } from "../parts/table.ts";
import type { CsvTable } from "../parts/tools.ts";
import { bodyFilters } from "../pure/filter.ts";
import { end, type Path } from "../pure/flow.ts";
import { counted, number, percent } from "../pure/format.ts";
import { readParameter } from "../pure/parameters.ts";
import { rangeName, rangeWithZone } from "../pure/range.ts";
import { Picture } from "./paths-picture.ts";

interface PathsAnswer {
  readonly paths: readonly Path[];
  readonly pathsLeftOut: number;
  readonly total: { readonly count: number; readonly users: number };
  readonly meta: Meta;
}

const limit = 200;
const lengths = [1, 2, 3, 4, 5].map((length) => ({
  id: String(length),
  name: counted(length, "step"),
}));

/** What comes next. */
export default function Paths(): VNode {
  const known = useTypeNames();
  const [liked = ""] = typesFor(known ?? [], ["email.delivered"], 1);
  const after = readParameter(address.value, "after") ?? liked;
  const usual = ofMails([after]) ? "correlationId" : "user";
  const length = Number(readParameter(address.value, "len") ?? 3);
  const actor = (readParameter(address.value, "actor") as Actor | undefined) ?? usual;
  const own = bodyFilters(filters.value);
  const isReady = known !== undefined || readParameter(address.value, "after") !== undefined;
  const call: Call | undefined = isReady
    ? {
        path: "/api/v1/query/paths",
        body: {
          after: { type: after, ...(own !== undefined && { filters: own }) },
          length,
          limit,
          by: actor,
          ...rangeWithZone(range.value, zone.value),
        },
      }
    : undefined;
  const request = useAnswer<PathsAnswer>(call);
  const { answer } = request;
  const shown = useAnswered(request, call, { after, length, actor });
  useEffect(() => {
    shownInstants.value = answer?.meta.range;
  }, [answer]);

  const [one, many] = actorName(shown.actor, [shown.after]);
  const words = `What comes next after ${after}, ${counted(length, "step")}, by ${actorName(actor, [after])[0]}`;
  usePageTitle(`Paths: after ${after}, ${rangeName(range.value).toLowerCase()}`);
  return html`${h(
    Question,
    {
      words: `${words}, ${rangeName(range.value).toLowerCase()}`,
      shows: answer === undefined ? "Show" : `Show ${counted(answer.total.count, "path")}`,
    },
    h(Word, { text: "What comes next after" }),
    h(TypePicker, {
      text: after,
      className: "chip pick",
      picked: [after],
      onPick: (type) => change({ after: type, column: undefined }),
    }),
    h(Word, { text: "where" }),
    h(FilterChips, { types: [after] }),
    h(Word, { text: "in" }),
    h(WordPicker, {
      title: "How far",
      choices: lengths,
      value: String(length),
      onPick: (id) => change({ len: id === "3" ? undefined : id, column: undefined }),
    }),
    h(Word, { text: "of" }),
    h(WordPicker, {
      title: "Whose events",
      choices: actorChoices([after]),
      value: actor,
      onPick: (id) => change({ actor: id === usual ? undefined : id }),
    }),
  )}
  ${h(
    Card,
    {
      title: `After ${shown.after}`,
      note:
        answer === undefined
          ? "\u00a0"
          : `${counted(answer.total.count, "path")} of ${counted(answer.total.users, one, many)}`,
      requests: [request],
      waiting: h(Waiting, { rows: 1, height: 420 }),
      tools: {
        calls: call === undefined ? [] : [call],
        instants: answer?.meta.range,
        csv: answer === undefined ? undefined : () => csvOf(answer, shown.length),
        csvName: "paths",
        savable:
          call === undefined
            ? undefined
            : {
                kind: "paths",
                question: call.body,
                view: { address: hrefOf(address.value) },
                suggested: `paths-after-${after.replace(/^.*\./, "")}`,
                description: words,
              },
      },
      exactness:
        answer !== undefined &&
        h(Exactness, {
          meta: answer?.meta,
          first:
            (answer?.pathsLeftOut ?? 0) > 0
              ? `First ${counted(answer.paths.length, "path")}, ${counted(answer.pathsLeftOut, "more is", "more are")} left out`
              : undefined,
          expectsCut: true,
        }),
    },
    answer !== undefined &&
      (answer.total.count === 0
        ? h(NoEvents, { again: request.again, what: many })
        : html`${h(Picture, { paths: answer.paths, total: answer.total.count, after: shown.after, length: shown.length })}
          ${h(List, { answer, length: shown.length, many })}`),
  )}`;
}

function List({
  answer,
  length,
  many,
}: {
  readonly answer: PathsAnswer;
  readonly length: number;
  readonly many: string;
}): VNode {
  const steps = (path: Path) => (path.types.length < length ? [...path.types, end] : path.types);
  const columns: readonly Column<Path>[] = [
    {
      id: "path",
      name: "Path",
      className: "flow-path",
      cell: (path) =>
        html`${steps(path).map((type, index) => html`${index > 0 && html`<span class="flow-arrow" aria-label="then">›</span><wbr />`}<span class=${type === end ? "muted" : ""}>${type}</span>`)}`,
      by: (path) => steps(path).join(" "),
    },
    {
      id: "count",
      name: "Times",
      isNumber: true,
      cell: ({ count }) => number(count),
      by: ({ count }) => count,
    },
    {
      id: "users",
      name: many.slice(0, 1).toUpperCase() + many.slice(1),
      isNumber: true,
      className: "wide-only",
      cell: ({ users }) => number(users),
      by: ({ users }) => users,
    },
    {
      id: "share",
      name: "Share",
      isNumber: true,
      cell: ({ count }) => percent(count / answer.total.count),
      by: ({ count }) => count,
    },
  ];
  const [isAll, setAll] = useState(false);
  const few = 20;
  const sort = readSort(readParameter(address.value, "sort"), {
    column: "count",
    direction: "desc",
  });
  return html`${h(Table<Path>, {
    label: "Paths",
    columns,
    rows: isAll ? answer.paths : answer.paths.slice(0, few),
    keyOf: ({ types }) => types.join("\n"),
    sort,
    onSort: (to) => change({ sort: writeSort(to) }, { replace: true }),
    className: "flow-list",
  })}
  ${
    !isAll &&
    answer.paths.length > few &&
    html`<button type="button" class="button small" onClick=${() => setAll(true)}>
      Show ${number(answer.paths.length - few)} more
    </button>`
  }`;
}

function csvOf({ paths }: PathsAnswer, length: number): CsvTable {
  return [
    [...Array.from({ length }, (_, index) => `step ${index + 1}`), "count", "users"],
    ...paths.map(({ types, count, users }) => [
      ...Array.from({ length }, (_, index) => types[index] ?? (index === types.length ? end : "")),
      count,
      users,
    ]),
  ];
}
