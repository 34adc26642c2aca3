import { h } from "preact";
import { useEffect } from "preact/hooks";
import type { Meta } from "../api/answers.ts";
import { withParameters, type Call } from "../api/client.ts";
import { useAnswer, useAnswered } from "../api/use-answer.ts";
import { address, change, filters, hrefOf, range, zone } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { Card, Waiting } from "../parts/card.ts";
import { NoEvents } from "../parts/empty.ts";
import { Exactness } from "../parts/exactness.ts";
import { FilterNotes } from "../parts/filter-notes.ts";
import { html, type VNode } from "../parts/html.ts";
import { FilterChips, PropertyPicker, Question, Word, WordPicker } from "../parts/question.ts";
import { shownInstants } from "../parts/shown.ts";
import { propertyName } from "../pure/filter.ts";
import { counted } from "../pure/format.ts";
import { listFilters } from "../pure/list-filters.ts";
import { parameterObject } from "../pure/parameter-object.ts";
import { readParameter } from "../pure/parameters.ts";
import { lengthOf, rangeName, rangeParameters } from "../pure/range.ts";
import { Figures } from "./mail-figures.ts";
import { Groups, mailCsv } from "./mail-groups.ts";

export interface MailNumbers {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: { readonly total: number; readonly hard: number; readonly recovered: number };
  readonly opened: Engagement;
  readonly clicked: Engagement;
  readonly complained: number;
  readonly unsubscribed: number;
  readonly rates: Readonly<Record<Rate, number | null>>;
}

interface Engagement {
  readonly unique: number;
  readonly human: { readonly unique: number };
}

export type Rate =
  | "delivery"
  | "bounce"
  | "hardBounce"
  | "open"
  | "openWithMachines"
  | "click"
  | "clickToOpen"
  | "complaint"
  | "unsubscribe";

export type MailGroup = MailNumbers & { readonly group: string | null };

interface MailAnswer {
  readonly data: readonly MailGroup[];
  readonly total: MailNumbers;
  readonly groups: number;
  readonly meta: Meta;
}

const usualGroup = "campaignId";
const limit = 100;
const shorts: ReadonlyMap<string, string> = new Map(
  Object.entries({
    campaignId: "metadata.campaignId",
    templateId: "metadata.templateId",
  }),
);
const mailTypes = ["email.sent"];
const which = [
  { id: "active", name: "whatever happened then", note: "to mails sent at any time" },
  { id: "sent", name: "the mails sent then", note: "and all that became of them since" },
];

/** What became of the mails. */
export default function Mail(): VNode {
  const by = readParameter(address.value, "by") ?? usualGroup;
  const mails = readParameter(address.value, "mails") ?? "active";
  const asked = listFilters(filters.value, ["source", "correlationId"]);
  const parameters = [
    ["groupBy", by],
    ["mails", mails],
    ["limit", limit],
    ...rangeParameters(range.value, zone.value),
    ...asked.parameters,
  ] as const;
  const call: Call = { path: withParameters("/api/v1/reports/mail", parameters) };
  const request = useAnswer<MailAnswer>(call);
  const { answer } = request;
  const shown = useAnswered(request, call, { by, mails });
  useEffect(() => {
    shownInstants.value = answer?.meta.range;
  }, [answer]);

  const property = shorts.get(by) ?? by;
  const name = propertyName(property);
  const shownName = propertyName(shorts.get(shown.by) ?? shown.by);
  const during = rangeName(range.value).toLowerCase();
  const words = `Mails by ${name}, ${mails === "sent" ? "those sent then" : "whatever happened then"}`;
  usePageTitle(`Mail by ${name}, ${during}`);
  const isMixed = mails === "active" && lengthOf(range.value) < 7;
  const savable = {
    kind: "mail",
    question: parameterObject<string | number>(parameters),
    view: { address: hrefOf(address.value) },
    suggested: `mail-by-${name.replace(/[^A-Za-z0-9._-]+/g, "-")}`,
    description: `${words}, ${during}`,
  } as const;
  const left = answer === undefined ? 0 : answer.groups - answer.data.length;
  const isEmpty = answer !== undefined && isNothing(answer.total);
  return html`${h(
    Question,
    {
      words: `${words}, ${during}`,
      shows: answer === undefined ? "Show" : `Show ${counted(answer.total.sent, "mail")}`,
    },
    h(Word, { text: "Of" }),
    h(WordPicker, {
      title: "Which mails",
      choices: which,
      value: mails,
      onPick: (id) => change({ mails: id === "active" ? undefined : id }),
    }),
    h(Word, { text: "where" }),
    h(FilterChips, { types: mailTypes }),
    h(Word, { text: "by" }),
    h(PropertyPicker, {
      types: mailTypes,
      value: property,
      nothing: "",
      title: "Group by",
      onPick: (picked) => change({ by: shortOf(picked), sort: undefined }),
    }),
  )}
  ${h(FilterNotes, asked)}
  ${
    isMixed &&
    html`<p class="notice">
      Rates of short ranges mix mails of other days.
      <button type="button" class="button small" onClick=${() => change({ mails: "sent" })}>
        Show only mails sent then
      </button>
    </p>`
  }
  ${h(
    Card,
    {
      title: shown.mails === "sent" ? "Mails sent in this range" : "All mails of this range",
      note: answer === undefined ? "\u00a0" : `${counted(answer.total.sent, "mail")} sent`,
      requests: [request],
      waiting: h(Waiting, { rows: 1, height: 88 }),
      className: "mail-total",
    },
    answer !== undefined &&
      (isEmpty ? h(NoEvents, { again: request.again }) : h(Figures, { total: answer.total })),
  )}
  ${
    !isEmpty &&
    h(
      Card,
      {
        title: `By ${shownName}`,
        note: answer === undefined ? "\u00a0" : counted(answer.groups, "group"),
        requests: [request],
        waiting: h(Waiting, { rows: 8, height: 28 }),
        tools: {
          calls: [call],
          instants: answer?.meta.range,
          csv: answer === undefined ? undefined : () => mailCsv(answer.data),
          csvName: "mail",
          savable,
        },
        exactness:
          answer !== undefined &&
          h(Exactness, {
            meta: answer?.meta,
            first:
              left > 0
                ? `First ${counted(answer.data.length, "group")}, ${counted(left, "more is", "more are")} left out`
                : undefined,
            expectsCut: true,
          }),
      },
      answer !== undefined && h(Groups, { groups: answer.data, name: shownName }),
    )
  }`;
}

function shortOf(property: string | undefined): string | undefined {
  if (property === undefined || property === shorts.get(usualGroup)) return undefined;
  return property === shorts.get("templateId") ? "templateId" : property;
}

function isNothing({ sent, delivered, bounced, opened, clicked }: MailNumbers): boolean {
  return sent + delivered + bounced.total + opened.unique + clicked.unique === 0;
}
