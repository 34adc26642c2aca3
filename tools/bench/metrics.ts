import { whenReady } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { postCounted } from "./cpu.ts";
import { sampleEvents } from "./sample-events.ts";
import { interleaved, median } from "./statistics.ts";
import { threadTimes, usedBetween } from "./thread-times.ts";

const batchEvents = 100;

/**
 * What counting metrics costs an event: the CPU of the whole process from POST to counted, of a
 * service that counts metrics and of one that does not, in turn, each warmed by a round that is not
 * counted.
 */
export async function metrics(bench: Bench): Promise<readonly Row[]> {
  const [events, rounds] = bench.quick ? [10_000, 5] : [60_000, 9];
  const bodies = Array.from({ length: events / batchEvents }, () =>
    JSON.stringify({ events: sampleEvents(batchEvents) }),
  );
  const bodyFile = bench.file("metrics.ndjson", bodies.join("\n"));
  const sides = await Promise.all(
    ["true", "false"].map(async (ENABLE_METRICS) => {
      const service = await bench.spawn({ ENABLE_METRICS });
      await whenReady(service);
      return service;
    }),
  );
  const work = sides.map((service) => async () => {
    const before = threadTimes(service.pid);
    await postCounted({ url: `${service.url}/api/v1/events/batch`, bodyFile, connections: 8 });
    await settled(service, 500);
    const used = usedBetween(before, threadTimes(service.pid));
    return (used.reduce((sum, [, ms]) => sum + ms, 0) * 1_000) / events;
  });
  for (const round of work) await round();
  const [on, off] = await interleaved(rounds, work);
  for (const service of sides) await bench.end(service);
  const differences = on!.map((value, round) => value / off![round]! - 1);
  return [
    {
      measure: "CPU of an event with metrics, to that without",
      value: 1 + median(differences),
      unit: "times",
      goal: { most: 1.03 },
      detail: `${median(on!).toFixed(1)} µs with them, ${median(off!).toFixed(1)} without, medians of ${rounds}; by round ${differences.map((one) => (one * 100).toFixed(1)).join(" ")} %`,
    },
  ];
}
