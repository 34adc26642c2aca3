import { setTimeout as delay } from "node:timers/promises";
import type { Bench, Row } from "./bench.ts";
import { residentMb } from "./footprint.ts";
import { fill, storedRange } from "./reads.ts";

/**
 * All of a million stored events as NDJSON and as CSV, to a client that keeps up and to one that
 * dawdles.
 */
export async function exporting(bench: Bench): Promise<readonly Row[]> {
  const service = await bench.service();
  const total = bench.quick ? 100_000 : 1_000_000;
  await fill(bench, service, { total, ...storedRange() });
  const rows: Row[] = [];
  for (const [name, search, pauseMs] of [
    ["NDJSON", "?format=ndjson", 0],
    ["CSV", "?format=csv", 0],
    ["NDJSON to a slow client", "?format=ndjson", 20],
  ] as const) {
    bench.say(`  exporting as ${name}`);
    const before = residentMb(service, "VmRSS");
    const startedAt = performance.now();
    const response = await fetch(`${service.url}/api/v1/events/export${search}`);
    let [bytes, peak, megabytes] = [0, before, 0];
    for await (const chunk of response.body!) {
      bytes += (chunk as Uint8Array).length;
      if (bytes / 1_048_576 < megabytes) continue;
      megabytes += 1;
      peak = Math.max(peak, residentMb(service, "VmRSS"));
      if (pauseMs > 0) await delay(pauseMs);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    rows.push(
      {
        measure: `export as ${name}`,
        value: total / seconds,
        unit: "events/s",
        detail: `${total} events, ${megabytes} MB in ${seconds.toFixed(1)} s`,
      },
      {
        measure: "  memory it takes at most",
        value: peak - before,
        unit: "MB",
        detail: `resident ${before.toFixed(0)} MB before, ${peak.toFixed(0)} MB at the peak`,
      },
    );
  }
  await bench.end(service);
  return rows;
}
