import type { Bench, Row } from "./bench.ts";
import { fill, storedRange, uncachedLatencies } from "./reads.ts";
import { median, quantile } from "./statistics.ts";
import { threadTimes, usedBetween } from "./thread-times.ts";
import { timedRequest } from "./timed-request.ts";

/** The questions of the page's pickers. */
const asked = {
  types: "types?",
  properties: "properties?type=email.opened&",
  "values of a property": "values?property=metadata.templateId&",
  "values that contain a text": "values?property=metadata.recipient&search=a&",
} as const;

/** The catalogue over a million events, each question asked once, so that no cache knows the answer. */
export async function catalog(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const total = bench.quick ? 100_000 : 1_000_000;
  const rounds = bench.quick ? 20 : 50;
  await fill(bench, service, { total, ...storedRange() });
  const rows: Row[] = [];
  for (const [name, path] of Object.entries(asked)) {
    const before = threadTimes(service.pid);
    const found = await uncachedLatencies(rounds, (index) =>
      timedRequest(`${service.url}/api/v1/catalog/${path}limit=${900 - index}`),
    );
    const used = usedBetween(before, threadTimes(service.pid));
    const cpuMs = used.reduce((sum, [, ms]) => sum + ms, 0) / (rounds + Math.ceil(rounds / 10));
    rows.push({
      measure: `catalogue: ${name}, p99`,
      value: quantile(found, 0.99),
      unit: "ms",
      goal: { most: 100 },
      detail: `p50 ${median(found).toFixed(1)} ms, ${cpuMs.toFixed(1)} ms of CPU of the whole process each, ${found.length} questions at ${total} events, uncached`,
    });
  }
  await bench.end(service);
  return rows;
}
