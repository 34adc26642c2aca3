import type { AnalyticsClient } from "../analytics-client.ts";

const days = 14;
const life = ["email.sent", "email.delivered", "email.opened", "email.clicked"];
const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();

/** The questions that a team which sends mails would pin. Each opens in its view of the page. */
const board = [
  {
    name: "sent-to-clicked",
    kind: "funnel",
    question: { steps: life.map((type) => ({ type })), window: "7d", range: `${days}d`, timezone },
    description: "How many recipients get from a mail to a click",
    view: { address: `/funnel?range=${days}d&${life.map((type) => `step=${type}`).join("&")}` },
  },
  {
    name: "opened-a-day",
    kind: "run",
    question: {
      metrics: ["count"],
      dimensions: ["time:day"],
      filters: ["is", "type", ["email.opened"]],
      range: `${days}d`,
      timezone,
    },
    description: "Mails opened each day",
    view: { address: `/trends?range=${days}d&type=email.opened`, shape: "bars" },
  },
  {
    name: "mail-by-campaign",
    kind: "mail",
    question: { groupBy: "campaignId", range: `${days}d`, timezone },
    description: "What became of each campaign's mails",
    view: { address: `/mail?range=${days}d` },
  },
  {
    name: "opened-by-country",
    kind: "run",
    question: {
      metrics: ["count"],
      dimensions: ["context.country"],
      limit: 5,
      filters: ["is", "type", ["email.opened"]],
      range: `${days}d`,
      timezone,
    },
    description: "Where mails are opened",
    view: {
      address: `/trends?range=${days}d&type=email.opened&by=context.country&shape=table`,
      shape: "table",
    },
  },
] as const;

/**
 * Pins the demo's questions, those whose names are free.
 * @returns how many there are now by these names; none where the key may not save
 */
export async function pinBoard(client: AnalyticsClient): Promise<number> {
  for (const [order, { name, ...question }] of board.entries()) {
    const view = { ...question.view, pinned: true, order };
    if (!(await client.save(name, { ...question, view }))) return 0;
  }
  return board.length;
}
