import type { AnalyticsClient } from "../analytics-client.ts";
import { iso, type Comparison, type Range } from "./backfill.ts";

/**
 * A table of what was sent and what is counted since, and whether they agree: each was counted now or
 * before, and none twice.
 */
export function comparisonText(rows: readonly Comparison[]): { text: string; agrees: boolean } {
  const total = rows.reduce(
    (sum, { sent, before, counted }) => ({
      sent: sum.sent + sent,
      before: sum.before + before,
      counted: sum.counted + counted,
    }),
    { sent: 0, before: 0, counted: 0 },
  );
  const lines = [...rows, { type: "total", ...total }].map(
    ({ type, sent, before, counted }) =>
      `  ${type.padEnd(20)} ${String(sent).padStart(9)} ${String(counted).padStart(9)}  ${verdict({ sent, before, counted })}`,
  );
  const head = `  ${"type".padEnd(20)} ${"sent".padStart(9)} ${"counted".padStart(9)}`;
  const agrees = rows.every((row) => !verdict(row).startsWith("off"));
  return { text: [head, ...lines].join("\n"), agrees };
}

/** Events that are sent again are not counted again: those that miss were there before. */
function verdict({ sent, before, counted }: Omit<Comparison, "type">): string {
  if (sent === counted) return "equal";
  const wereThere = sent - counted;
  return wereThere > 0 && wereThere <= before
    ? `${wereThere} were there before`
    : `off by ${counted - sent}`;
}

/** What to look at now, ready to be pasted. */
export async function guide(
  client: AnalyticsClient,
  { from, to }: Range,
  key: string | undefined,
): Promise<string> {
  const { url } = client;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const range = `from=${iso(from)}&to=${iso(to)}`;
  const clicked = await client.list({ type: "email.clicked", limit: 1, to: iso(to) });
  const example = clicked.data[0];
  const curl = key === undefined ? "curl -s" : `curl -s -H 'Authorization: Bearer ${key}'`;
  const questions: readonly (readonly [what: string, path: string])[] = [
    ["mails and opens by day", `/api/v1/events/counts?interval=day&timezone=${zone}&${range}`],
    [
      "opens by machines and people",
      "/api/v1/events/counts?type=email.opened&groupBy=context.machine",
    ],
    ["clicks by device", "/api/v1/events/counts?type=email.clicked&groupBy=context.device"],
    ["clicks by campaign", "/api/v1/events/counts?type=email.clicked&groupBy=context.utm.campaign"],
    ["the last hard bounces", "/api/v1/events?type=email.bounced&data.kind=hard&limit=3"],
    ...(example?.id === undefined
      ? []
      : ([
          ["one event, as it is stored", `/api/v1/events/${encodeURIComponent(example.id)}`],
          [
            "everything that happened to one mail",
            `/api/v1/events?correlationId=${encodeURIComponent(example.correlationId ?? "")}&order=asc&fields=type,timestamp`,
          ],
        ] as const)),
    ["the service's own metrics", "/metrics"],
  ];
  const lines = questions.map(([what, path]) => `  # ${what}\n  ${curl} '${url}${path}'`);
  return ["Ask it:", "", ...lines].join("\n");
}
