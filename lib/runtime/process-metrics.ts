import { totalmem } from "node:os";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/**
 * Metrics of the process itself, besides those of its work: event loop, heap, memory, garbage
 * collection, and the memory it may have, where that is less than the machine's.
 */
export function collectProcessMetrics(register: Registry, limitBytes = memoryLimitBytes()): void {
  collectDefaultMetrics({ register });
  for (const gauge of misnamed) register.removeSingleMetric(gauge);
  if (limitBytes === undefined) return;
  new Gauge({
    name: "analytics_memory_limit_bytes",
    help: "Memory that the process may have at most (its control group's limit). Absent where there is none.",
    registers: [register],
  }).set(limitBytes);
}

/** Gauges that are called as counters are; the same without the ending tell the same by type. */
const misnamed = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** Control groups tell "no limit" as 0 or as a number beyond all memory. */
function memoryLimitBytes(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}
