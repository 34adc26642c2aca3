import { rowReader } from "../../lib/questions/fold.ts";
import { mailFold, type MailJob } from "../../lib/questions/mail/fold.ts";
import type { MailNumbers, MailReport } from "../../lib/questions/mail/report.ts";
import { type StoredEvent, userOf } from "../../lib/event/event.ts";

/** The mail report of some events. */
export function report(events: readonly StoredEvent[], job: Omit<MailJob, "kind">): MailReport {
  const fold = mailFold({ kind: "mail", ...job });
  const read = rowReader(fold.columns);
  for (const each of events) fold.add(read(each));
  return fold.finish();
}

/** A mail report by the letter of the docs: the events of each mail in a heap, and a sum of questions to each heap. */
export function reference(events: readonly StoredEvent[], job: Omit<MailJob, "kind">): MailReport {
  const heaps = heapsOf(events, job.groupBy);
  const { sentWithin: range } = job;
  const mails = heaps.filter(
    (heap) =>
      range === undefined ||
      heap.some((e) => is(e, "sent") && e.timestamp >= range.from && e.timestamp < range.to),
  );
  if (job.groupBy === undefined) return { rows: [], total: numbers(mails), groups: 0 };
  const byGroup = Map.groupBy(mails, (heap) => groupOf(heap, job.groupBy as readonly string[]));
  const rows = [...byGroup].map(([group, heap]) => ({ group, ...numbers(heap) }));
  rows.sort((a, b) => {
    if (a.sent !== b.sent) return b.sent - a.sent;
    if (a.group === null) return 1;
    return b.group === null || a.group < b.group ? -1 : 1;
  });
  return { rows: rows.slice(0, job.limit), total: numbers(mails), groups: rows.length };
}

const is = ({ type }: StoredEvent, what: string) => type === `email.${what}`;
const isMachine = ({ context }: StoredEvent) => context.machine === true;

const addressOf = ({ metadata }: StoredEvent) =>
  (metadata?.["recipient"] as string | undefined)?.toLowerCase();
const userIdOf = ({ metadata }: StoredEvent) =>
  (metadata?.["userId"] as string | number | undefined)?.toString();
const different = <T>(values: readonly (T | undefined)[]) =>
  [...new Set(values)].filter((value) => value !== undefined);

/** Events of one mailing, by whom they name. */
function byAddressee(events: StoredEvent[], userOfEvent: typeof userIdOf): StoredEvent[][] {
  const whose = (one: StoredEvent) => {
    const user = userOfEvent(one);
    const beside = events.filter((other) => user !== undefined && userOfEvent(other) === user);
    const [address] = different([addressOf(one) ?? different(beside.map(addressOf)).sort()[0]]);
    return address === undefined ? `user ${user}` : `address ${address}`;
  };
  return [...Map.groupBy(events, whose).values()];
}

function heapsOf(events: readonly StoredEvent[], groupBy: MailJob["groupBy"]): StoredEvent[][] {
  const [correlated, others] = [true, false].map((has) =>
    events.filter((one) => (one.correlationId !== undefined) === has),
  ) as [StoredEvent[], StoredEvent[]];
  const ofCorrelations = [...Map.groupBy(correlated, (one) => one.correlationId).values()];
  const kindOf = (one: StoredEvent) => {
    if (addressOf(one) === undefined && userOf(one) === undefined) return one.id;
    const { campaignId } = one.metadata ?? {};
    const isNamed = campaignId !== undefined && campaignId !== null && campaignId !== "";
    return isNamed ? `campaign ${JSON.stringify(campaignId)}` : "loose";
  };
  const byKind = Map.groupBy(others, kindOf);
  return [
    ...ofCorrelations.flatMap((own) => {
      const addresses = different(own.map(addressOf)).length;
      const isOne = addresses === 1 || (addresses === 0 && different(own.map(userIdOf)).length < 2);
      return isOne ? [own] : byAddressee(own, userIdOf);
    }),
    ...[...byKind].flatMap(([kind, own]) => {
      if (kind !== "loose") return byAddressee(own, userOf);
      return [
        ...Map.groupBy(own, (one) => addressOf(one) ?? `user ${userOf(one)}`).values(),
      ].flatMap((each) => inTurn(each, groupBy));
    }),
  ];
}

/** What happened to one recipient's mails, one after the other: as a mail goes where several things happened at once. */
function inTurn(events: readonly StoredEvent[], groupBy: MailJob["groupBy"]): StoredEvent[][] {
  const heaps: StoredEvent[][] = [];
  let waiting: StoredEvent[][] = [];
  let latest: StoredEvent[] | undefined;
  const begin = (one: StoredEvent) => {
    heaps.push([one]);
    return heaps.at(-1)!;
  };
  const kind = (one: StoredEvent) => (one.data as { kind?: string } | undefined)?.kind;
  const rank = (one: StoredEvent) => {
    if (is(one, "bounced")) return kind(one) === "hard" ? 4 : kind(one) === "soft" ? 1 : 2;
    const types = [
      "sent",
      "",
      "",
      "delivered",
      "",
      "opened",
      "clicked",
      "complained",
      "unsubscribed",
    ];
    return types.indexOf(one.type.slice("email.".length));
  };
  const groupIn = (one: StoredEvent) => {
    const group = groupBy && groupOf([one], groupBy as readonly string[]);
    return group === undefined || group === null ? "" : `=${group}`;
  };
  const sorted = events.toSorted(
    (a, b) =>
      a.timestamp - b.timestamp ||
      rank(a) - rank(b) ||
      Number(isMachine(a)) - Number(isMachine(b)) ||
      (groupIn(a) < groupIn(b) ? -1 : Number(groupIn(a) > groupIn(b))),
  );
  for (const one of sorted) {
    if (is(one, "sent")) {
      latest = begin(one);
      waiting.push(latest);
    } else if (is(one, "delivered") || is(one, "bounced")) {
      const isEnd = is(one, "delivered") || kind(one) === "hard";
      const heap = waiting[0] ?? (is(one, "delivered") ? undefined : latest);
      heap?.push(one);
      const own = heap ?? begin(one);
      if (isEnd) waiting = waiting.filter((each) => each !== own);
      else if (heap === undefined) waiting.push(own);
      if (is(one, "delivered")) latest = own;
      latest ??= own;
    } else {
      if (latest === undefined) latest = begin(one);
      else latest.push(one);
    }
  }
  return heaps;
}

function groupOf(heap: readonly StoredEvent[], [top, key]: readonly string[]): string | null {
  const values = heap.map(
    (e) => (e as unknown as Record<string, Record<string, unknown>>)[top!]?.[key!],
  );
  return (
    values
      .filter((v) => v !== undefined && v !== null && v !== "")
      .map(String)
      .sort()[0] ?? null
  );
}

function numbers(mails: readonly (readonly StoredEvent[])[]): MailNumbers {
  const having = (test: (e: StoredEvent) => boolean) => mails.filter((heap) => heap.some(test));
  const mailsWith = (what: string) => having((e) => is(e, what)).length;
  const bounces = (heap: readonly StoredEvent[]) =>
    heap
      .filter((e) => is(e, "bounced"))
      .map((e) => (e.data as { kind?: string } | undefined)?.kind ?? "undetermined");
  const worst = (heap: readonly StoredEvent[]) =>
    ["hard", "soft", "undetermined"].find((kind) => bounces(heap).includes(kind));
  const bouncing = (kind: string) => mails.filter((heap) => worst(heap) === kind);
  const lastOf = (heap: readonly StoredEvent[], what: string) =>
    Math.max(...heap.filter((e) => is(e, what)).map(({ timestamp }) => timestamp));
  const bounced = mails.filter((heap) => worst(heap) !== undefined);
  const recovered = bounced.filter(
    (heap) => worst(heap) === "soft" && lastOf(heap, "delivered") > lastOf(heap, "bounced"),
  ).length;
  const engagement = (what: string) => {
    const of = (test: (e: StoredEvent) => boolean) => ({
      unique: having((e) => is(e, what) && test(e)).length,
      total: mails.flat().filter((e) => is(e, what) && test(e)).length,
    });
    return { ...of(() => true), human: of((e) => !isMachine(e)), machine: of(isMachine) };
  };
  const [opened, clicked] = [engagement("opened"), engagement("clicked")];
  const read = having((e) => (is(e, "opened") || is(e, "clicked")) && !isMachine(e)).length;
  const share = (part: number, of: number) => (of > 0 ? part / of : null);
  const [sent, arrived] = [mailsWith("sent"), mailsWith("delivered")];
  return {
    sent,
    delivered: arrived,
    bounced: {
      total: bounced.length,
      hard: bouncing("hard").length,
      soft: bouncing("soft").length,
      undetermined: bouncing("undetermined").length,
      recovered,
    },
    opened,
    clicked,
    complained: mailsWith("complained"),
    unsubscribed: mailsWith("unsubscribed"),
    rates: {
      delivery: share(arrived, sent),
      bounce: share(bounced.length - recovered, sent),
      hardBounce: share(bouncing("hard").length, sent),
      open: share(opened.human.unique, arrived),
      openWithMachines: share(opened.unique, arrived),
      click: share(clicked.human.unique, arrived),
      clickWithMachines: share(clicked.unique, arrived),
      clickToOpen: share(clicked.human.unique, read),
      complaint: share(mailsWith("complained"), arrived),
      unsubscribe: share(mailsWith("unsubscribed"), arrived),
    },
  };
}
