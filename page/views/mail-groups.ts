import { h } from "preact";
import { address, change } from "../frame/router.ts";
import { html, type Children, type VNode } from "../parts/html.ts";
import { readSort, sortedRows, Table, writeSort, type Column } from "../parts/table.ts";
import { Tips } from "../parts/tips.ts";
import type { CsvTable } from "../parts/tools.ts";
import { readParameter } from "../pure/parameters.ts";
import { number, percent } from "../pure/format.ts";
import type { MailGroup, Rate } from "./mail.ts";
import { alarmOf } from "./mail-figures.ts";

/** Rates of fewer mails say little. */
const few = 100;

interface RateColumn {
  readonly id: string;
  readonly name: string;
  readonly rate: Rate;
  /** The numbers that the rate divides. */
  readonly parts: (group: MailGroup) => readonly [number, string, number | undefined, string];
}

const rateColumns: readonly RateColumn[] = [
  {
    id: "delivery",
    name: "Delivered",
    rate: "delivery",
    parts: ({ delivered, sent }) => [delivered, "delivered", sent, "sent"],
  },
  {
    id: "bounce",
    name: "Bounced",
    rate: "bounce",
    parts: ({ bounced, sent }) => [
      bounced.total - bounced.recovered,
      "bounced and not recovered",
      sent,
      "sent",
    ],
  },
  {
    id: "open",
    name: "Opened",
    rate: "open",
    parts: ({ opened, delivered }) => [
      opened.human.unique,
      `opened by people (${number(opened.unique)} with machines)`,
      delivered,
      "delivered",
    ],
  },
  {
    id: "click",
    name: "Clicked",
    rate: "click",
    parts: ({ clicked, delivered }) => [
      clicked.human.unique,
      `clicked by people (${number(clicked.unique)} with machines)`,
      delivered,
      "delivered",
    ],
  },
  {
    id: "clickToOpen",
    name: "Of openers",
    rate: "clickToOpen",
    parts: ({ clicked }) => [
      clicked.human.unique,
      "clicked by people, of those who opened or clicked",
      undefined,
      "",
    ],
  },
  {
    id: "complaint",
    name: "Complaints",
    rate: "complaint",
    parts: ({ complained, delivered }) => [complained, "complained", delivered, "delivered"],
  },
  {
    id: "unsubscribe",
    name: "Unsubscribed",
    rate: "unsubscribe",
    parts: ({ unsubscribed, delivered }) => [unsubscribed, "unsubscribed", delivered, "delivered"],
  },
];

const shownOnPhone = ["delivery", "click", "complaint"];

/** The groups, the most mails first: a table, on a phone a card each. */
export function Groups({
  groups,
  name,
}: {
  readonly groups: readonly MailGroup[];
  readonly name: string;
}): VNode {
  const columns: readonly Column<MailGroup>[] = [
    {
      id: "group",
      name: name.slice(0, 1).toUpperCase() + name.slice(1),
      className: "mail-group",
      cell: ({ group }) => groupName(group, name),
      by: ({ group }) => group,
    },
    count("sent", "Sent", ({ sent }) => sent),
    count("delivered", "Arrived", ({ delivered }) => delivered, "wide-only"),
    ...rateColumns.map((column): Column<MailGroup> => ({
      id: column.id,
      name: column.name,
      isNumber: true,
      className: column.id === "clickToOpen" ? "wide-only" : "",
      cell: (group) => h(RateCell, { group, column }),
      by: ({ rates }) => rates[column.rate],
    })),
  ];
  const sort = readSort(readParameter(address.value, "sort"), {
    column: "sent",
    direction: "desc",
  });
  return h(
    Tips,
    {},
    h(Table<MailGroup>, {
      label: `Mails by ${name}`,
      columns,
      rows: groups,
      keyOf,
      sort,
      onSort: (to) => change({ sort: writeSort(to) }, { replace: true }),
      className: "mail-table",
    }),
    html`<ul class="mail-cards">
      ${sortedRows(groups, columns, sort).map((group) => h(GroupCard, { key: keyOf(group), group, name }))}
    </ul>`,
  );
}

function keyOf({ group }: MailGroup): string {
  return group === null ? "null" : `=${group}`;
}

function groupName(group: string | null, name: string): Children {
  return group === null ? html`<span class="muted">(without ${name})</span>` : group;
}

function count(
  id: string,
  name: string,
  of: (group: MailGroup) => number,
  className = "",
): Column<MailGroup> {
  return { id, name, isNumber: true, className, cell: (group) => number(of(group)), by: of };
}

function RateCell({
  group,
  column: { rate, parts },
}: {
  readonly group: MailGroup;
  readonly column: RateColumn;
}): VNode {
  const value = group.rates[rate];
  const [numerator, does, denominator, of] = parts(group);
  const tip = `${number(numerator)} ${does}${denominator === undefined ? "" : ` of ${number(denominator)} ${of}`}`;
  const isFew = group.sent < few;
  const alarm = rate === "complaint" && !isFew ? alarmOf(value) : "";
  const shown =
    rate === "open" && value !== null
      ? `${percent(value)} to ${percent(group.rates.openWithMachines)}`
      : percent(value);
  return html`<span
    class=${`rate ${isFew ? "few" : alarm}`}
    data-tip=${isFew ? `${tip}. Fewer than ${few} mails: the rate says little.` : tip}
    >${alarm !== "" && html`<span class="rate-mark" aria-hidden="true">!</span>`}${shown}</span
  >`;
}

function GroupCard({ group, name }: { readonly group: MailGroup; readonly name: string }): VNode {
  const line = (column: RateColumn) =>
    html`<div key=${column.id}>
      <dt>${column.name}</dt>
      <dd>${h(RateCell, { group, column })}</dd>
    </div>`;
  const shown = rateColumns.filter(({ id }) => shownOnPhone.includes(id));
  const rest = rateColumns.filter(({ id }) => !shownOnPhone.includes(id));
  return html`<li>
    <details>
      <summary>
        <span class="mail-card-name">${groupName(group.group, name)}</span>
        <dl class="mail-card">
          <div>
            <dt>Sent</dt>
            <dd>${number(group.sent)}</dd>
          </div>
          ${shown.map(line)}
        </dl>
      </summary>
      <dl class="mail-card">${rest.map(line)}</dl>
    </details>
  </li>`;
}

export function mailCsv(groups: readonly MailGroup[]): CsvTable {
  const rates = Object.keys(groups[0]?.rates ?? {}) as readonly Rate[];
  return [
    ["group", "sent", "delivered", "bounced", "hard", "opened", "openedByPeople"].concat(
      ["clicked", "clickedByPeople", "complained", "unsubscribed"],
      rates.map((rate) => `${rate} rate`),
    ),
    ...groups.map((one) => [
      ...[one.group, one.sent, one.delivered, one.bounced.total, one.bounced.hard],
      ...[one.opened.unique, one.opened.human.unique],
      ...[one.clicked.unique, one.clicked.human.unique, one.complained, one.unsubscribed],
      ...rates.map((rate) => one.rates[rate]),
    ]),
  ];
}
