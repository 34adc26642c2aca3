import { performance, type EventLoopUtilization } from "node:perf_hooks";

const windowMs = 50;

/** Measures how busy this process's event loop was of late. */
export class LoopGauge {
  #since: EventLoopUtilization = performance.eventLoopUtilization();
  #sinceAt = performance.now();
  #busy = 0;

  /** The share of time that the loop was busy, 0 to 1, over about the last 50 to 100 ms. */
  utilization(): number {
    const now = performance.now();
    if (now - this.#sinceAt >= windowMs) {
      const current = performance.eventLoopUtilization();
      this.#busy = performance.eventLoopUtilization(current, this.#since).utilization;
      this.#since = current;
      this.#sinceAt = now;
    }
    return this.#busy;
  }
}
