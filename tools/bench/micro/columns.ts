import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import type { StoredEvent } from "../../../lib/event/event.ts";
import type { EventFilter } from "../../../lib/event/filter.ts";
import { foldOf, type FoldJob } from "../../../lib/questions/folds.ts";
import { ColumnReader } from "../../../lib/store/columns/reader.ts";
import { ColumnWriter } from "../../../lib/store/columns/writer.ts";
import { chunkSize } from "../../../lib/store/sqlite/schema.ts";
import { toRow } from "../../../lib/store/rows.ts";
import { mailEvents } from "../../demo/mail-events.ts";

/**
 * What an event costs to write into columns, and questions to answer from them, in nanoseconds of
 * CPU: `node tools/bench/micro/columns.ts [--events 500000] [--rounds 5]`. Events are the demo's
 * mails of 30 days with their recipients as users, in the order of time; the mean and the median
 * round. Linux tells a thread's CPU time in steps of up to 4 ms, so a short round alone tells little.
 */
const { values: asked } = parseArgs({
  options: {
    events: { type: "string", default: "500000" },
    rounds: { type: "string", default: "5" },
  },
});
const total = Number(asked.events);
const rounds = Number(asked.rounds);
const dayMs = 86_400_000;
const from = Date.UTC(2024, 0, 1);
const to = from + 30 * dayMs;
const periods = Array.from({ length: 30 }, (_, day) => ({
  start: from + day * dayMs,
  end: from + (day + 1) * dayMs,
}));
const filter: EventFilter = { project: "p", from, to };

const breakdown = {
  kind: "breakdown",
  dimensions: [],
  metrics: [{ op: "count" }],
  periods,
  totals: true,
  maxGroups: 100_000,
} as const;
const type = { path: ["type"] } as const;
const steps = ["email.sent", "email.delivered", "email.opened", "email.clicked"].map((type) => ({
  type,
}));
const jobs: Readonly<Record<string, FoldJob>> = {
  "count by type": { ...breakdown, dimensions: [type] },
  "count by type and day": { ...breakdown, dimensions: [type, { time: true }] },
  "count by template": { ...breakdown, dimensions: [{ path: ["metadata", "templateId"] }] },
  uniques: { ...breakdown, metrics: [{ op: "uniques" }] },
  "uniques by type": { ...breakdown, dimensions: [type], metrics: [{ op: "uniques" }] },
  "funnel of 4 steps": { kind: "funnel", steps, strictlyLater: false, by: "user", range: {} },
  retention: {
    kind: "retention",
    first: steps[0]!,
    returning: steps[3]!,
    interval: "day",
    timezone: "UTC",
    by: "user",
    range: { from, to },
  },
  paths: { kind: "paths", after: steps[0]!, length: 3, by: "user", limit: 100, range: {} },
};

/** What each segment is read from: it keeps what it has read, so that each round makes its own. */
const sources: ConstructorParameters<typeof ColumnReader>[0][] = [];
let columnBytes = 0;
let chunk: StoredEvent[] = [];
let writingMs = 0;
let events = 0;
for (const event of mailEvents({ seed: 1, mails: total, from, to })) {
  if (events++ === total) break;
  chunk.push({
    ...event,
    metadata: { ...event.metadata, userId: event.metadata?.["recipient"] },
    project: "p",
    batch: "b",
    hash: "",
    timestamp: Number(event.timestamp),
    receivedAt: Number(event.timestamp),
  } as unknown as StoredEvent);
  if (chunk.length === chunkSize) seal();
}

const sealed = sources.length * chunkSize;
const perEvent = (ms: number) => `${((ms * 1e6) / sealed).toFixed(1)} ns`;
console.log(`${sealed} events; load before: ${loadavg()[0]!.toFixed(2)}`);
console.log(`written: ${perEvent(writingMs)}, ${(columnBytes / sealed).toFixed(1)} bytes an event`);
for (const [name, job] of Object.entries(jobs)) {
  const times = Array.from({ length: rounds }, () => answer(job)).sort((a, b) => a - b);
  const mean = times.reduce((sum, time) => sum + time, 0) / rounds;
  console.log(`${name}: mean ${perEvent(mean)}; median ${perEvent(times[rounds >> 1]!)}`);
}

function seal(): void {
  const before = cpuMs();
  const writer = new ColumnWriter(chunkSize);
  for (const event of chunk) writer.add(toRow(event, event.batch));
  const { rows, complete, columns } = writer.finish();
  writingMs += cpuMs() - before;
  columnBytes += columns.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  const byName = new Map(columns);
  const instants = chunk.map(({ timestamp }) => timestamp);
  const [oldest, newest] = [Math.min(...instants), Math.max(...instants)];
  sources.push({ rows, complete, oldest, newest, fetch: (name) => byName.get(name) });
  chunk = [];
}

function answer(job: FoldJob): number {
  const before = cpuMs();
  const fold = foldOf(job);
  for (const source of sources) new ColumnReader(source).fold(filter, fold);
  fold.finish();
  return cpuMs() - before;
}

/** CPU time of this thread: others may be at work on the machine. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
