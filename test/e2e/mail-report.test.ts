import { mailEvents } from "../../tools/demo/mail-events.ts";
import type { MailEvent } from "../../tools/demo/story.ts";
import type { MailAnswer } from "../../lib/questions/mail/question.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const dayMs = 86_400_000;
const to = Date.UTC(2025, 10, 20);
const from = to - 10 * dayMs;

/** Ten days of sendings, and all that ever becomes of these mails. */
const events = [...mailEvents({ seed: 7, mails: 1_500, from, to, until: Infinity })];

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
  for (let at = 0; at < events.length; at += 1_000) {
    const body = JSON.stringify({ events: events.slice(at, at + 1_000) });
    expect((await sendTo(service, "/batch", body)).status).toBe(202);
  }
  await eventually(async () => {
    const counts = await fetch(`${service.url}/api/v1/events/counts`);
    expect(((await counts.json()) as { total: number }).total).toBe(events.length);
  });
}, 120_000);
afterAll(() => service.dispose());

async function report(search: string): Promise<MailAnswer> {
  const response = await fetch(`${service.url}/api/v1/reports/mail${search}`);
  expect(response.status).toBe(200);
  return (await response.json()) as MailAnswer;
}

/** How many mails have an event of a type, of those that were sent. */
function mails(list: readonly MailEvent[], type: string): number {
  return new Set(list.filter((e) => e.type === type).map((e) => e.correlationId)).size;
}

const campaignOf = ({ metadata }: MailEvent) => metadata?.["campaignId"] as string;

test("the report is what the demo's mails add up to, by campaign and in total", async () => {
  const { data, total, groups, meta } = await report("?groupBy=campaignId&limit=1000");
  const byCampaign = Map.groupBy(events, campaignOf);
  expect(groups).toBe(byCampaign.size);
  expect(data.map(({ group }) => group).sort()).toEqual([...byCampaign.keys()].sort());
  for (const row of data) {
    const own = byCampaign.get(row.group!)!;
    expect(row.sent).toBe(mails(own, "email.sent"));
    expect(row.delivered).toBe(mails(own, "email.delivered"));
    expect(row.bounced.total).toBe(mails(own, "email.bounced"));
    expect(row.opened.unique).toBe(mails(own, "email.opened"));
    expect(row.opened.total).toBe(own.filter(({ type }) => type === "email.opened").length);
    expect(row.clicked.unique).toBe(mails(own, "email.clicked"));
  }
  expect(total.sent).toBe(1_500);
  expect(total.delivered + total.bounced.total - total.bounced.recovered).toBe(1_500);
  expect(total.bounced.undetermined).toBe(0);
  const { human, machine } = total.opened;
  expect(human.total + machine.total).toBe(total.opened.total);
  expect(machine.unique).toBeGreaterThan(human.unique);
  expect(total.rates.delivery).toBeCloseTo(total.delivered / 1_500, 9);
  expect(total.rates.clickToOpen).toBeLessThanOrEqual(1);
  expect(meta).toMatchObject({ exact: true, source: "events", cache: "miss" });
  expect((await report("?groupBy=campaignId&limit=1000")).meta.cache).toBe("hit");
});

test("the mails sent on a day are told with all that became of them since", async () => {
  const [start, end] = [from + 2 * dayMs, from + 3 * dayMs];
  const range = `from=${start}&to=${end}`;
  const sent = new Set(
    events
      .filter((e) => e.type === "email.sent" && e.timestamp >= start && e.timestamp < end)
      .map((e) => e.correlationId),
  );
  const own = events.filter((e) => sent.has(e.correlationId));
  const { total } = await report(`?${range}&mails=sent`);
  expect(total.sent).toBe(sent.size);
  expect(total.opened.unique).toBe(mails(own, "email.opened"));
  const active = (await report(`?${range}`)).total;
  const within = events.filter((e) => e.timestamp >= start && e.timestamp < end);
  expect(active.opened.unique).toBe(mails(within, "email.opened"));
  expect(active.opened.unique).not.toBe(total.opened.unique);
});

test("mailbox providers are groups, short names are known, and what is unknown is refused", async () => {
  const { data } = await report("?groupBy=context.emailProvider");
  expect(data.map(({ group }) => group)).toEqual(expect.arrayContaining(["gmail", "outlook"]));
  expect(await report("?groupBy=metadata.templateId")).toMatchObject({
    data: (await report("?groupBy=templateId")).data,
  });
  for (const search of ["?groupBy=context.country", "?type=a", "?bot=only", "?mails=all"]) {
    const response = await fetch(`${service.url}/api/v1/reports/mail${search}`);
    expect([search, response.status]).toEqual([search, 400]);
  }
});
