import { totalmem } from "node:os";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/**
 * Metrics of the process itself: event loop, heap, memory, garbage collection, and the memory limit
 * where that is less than the machine's memory.
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

/** Gauges with a counter's name; gauges without that ending say the same by type. */
const misnamed = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** Control groups write "no limit" as 0 or as a number beyond all memory. */
function memoryLimitBytes(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}
