/**
 * `npm run demo`: the life cycle of a mail sender's mails, told to the service over its public
 * interface. Two weeks of it at once, compared with what the service counts; then live, until it is
 * interrupted. Started again it tells the same events, with the same ids, and those since.
 */
import { analyticsClient, type AnalyticsClient } from "../analytics-client.ts";
import { pinBoard } from "./board.ts";
import { backfill, compare, countAccepted, iso } from "./backfill.ts";
import { sendLive, steadyEvents } from "./live.ts";
import { inTimeOrder, mailEventsOfDays, peopleOf, splitAt } from "./mail-events.ts";
import { demoOptions, usage, type DemoOptions } from "./options.ts";
import { comparisonText, guide } from "./report.ts";
import { startService, whenReady, type RunningService } from "../service-process.ts";

const dayMs = 86_400_000;

/**
 * The demo's own service, or `undefined` where one runs already and is used. @throws Error where
 * the port is taken
 */
async function serviceFor(
  options: DemoOptions,
  client: AnalyticsClient,
): Promise<RunningService | undefined> {
  const listener = await client.identify();
  if (listener === "service") {
    console.log(`An analytics service runs at ${client.url} already: the demo's events go there.`);
    return undefined;
  }
  if (listener === "stranger") {
    throw new Error(
      `Something else listens at ${client.url}. Choose another port: PORT=4100 npm run demo`,
    );
  }
  console.log(`Starting the service at ${client.url}, its data in ${options.dataDir}`);
  const env = { LOG_LEVEL: process.env["LOG_LEVEL"] ?? "warn" };
  return startService({ port: options.port, dataDir: options.dataDir, env });
}

/** @returns whether the service counts what was sent */
async function run(
  options: DemoOptions,
  client: AnalyticsClient,
  signal: AbortSignal,
): Promise<boolean> {
  const { seed, mails, days, rate, once, key } = options;
  const to = Date.now();
  const range = { from: (Math.floor(to / dayMs) - days) * dayMs, to };
  const traffic = mailEventsOfDays({ seed, mails, days, lastDay: to });
  const { before: past, after: echo } = splitAt(traffic, to);

  const countedBefore = await countAccepted(client, range, to);
  const startedAt = performance.now();
  console.log(`Sending about ${mails} mails' events since ${iso(range.from)} (seed ${seed})`);
  const sent = await backfill(client, past, signal, (events) => {
    if (events % 20_000 === 0) console.log(`  ${events} events`);
  });
  const acceptedAfter = performance.now() - startedAt;
  const countedNow = await countAccepted(client, range, sent.acceptedBy);
  const countedAfter = performance.now() - startedAt;
  const { text, agrees } = comparisonText(compare(sent.byType, countedBefore, countedNow));
  console.log(
    `\n${sent.events} events accepted after ${seconds(acceptedAfter)}, counted after ${seconds(countedAfter)}:\n`,
  );
  console.log(`${text}\n\n${await guide(client, range, key)}\n`);
  const pinned = await pinBoard(client);
  if (pinned > 0) console.log(`${pinned} questions are pinned: ${client.url}/saved\n`);
  if (!agrees)
    console.error("The counts differ from what was sent. Does someone else send as well?");
  if (once || signal.aborted) return agrees;

  console.log(`Live, about ${rate} events a second. Ctrl-C ends it.\n\n  Look: ${client.url}/\n`);
  const steady = steadyEvents({ seed, people: peopleOf(mails), rate, from: to });
  const live = inTimeOrder(echo, steady);
  let total = 0;
  await sendLive(client, live, signal, (events) => {
    const tens = Math.floor(total / 100);
    total += events;
    if (Math.floor(total / 100) > tens) console.log(`  ${total} live events`);
  });
  return agrees;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

async function main(): Promise<number> {
  const options = demoOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    console.log(usage);
    return 0;
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => interrupted.abort());
  }
  const client = analyticsClient(`http://127.0.0.1:${options.port}`, options.key);
  const service = await serviceFor(options, client);
  try {
    if (service !== undefined) await whenReady(service);
    return (await run(options, client, interrupted.signal)) ? 0 : 1;
  } catch (error) {
    if (service !== undefined && !service.isRunning()) {
      throw new Error(`The service has ended: ${await service.ended}`, { cause: error });
    }
    throw error;
  } finally {
    await service?.stop();
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
