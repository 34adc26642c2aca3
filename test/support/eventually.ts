import { setTimeout as delay } from "node:timers/promises";

/** Wait for a fact: resolves with what `probe` returns once it neither throws nor rejects; else with its last error. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  withinMs: number = 60_000,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(10);
    }
  }
}
