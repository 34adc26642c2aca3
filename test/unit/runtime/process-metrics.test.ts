import { jest } from "@jest/globals";
import { Registry } from "prom-client";
import { collectProcessMetrics } from "../../../lib/runtime/process-metrics.ts";

const shown = async (limitBytes?: number) => {
  const register = new Registry();
  collectProcessMetrics(register, limitBytes);
  return register.metrics();
};

test("the memory limit is told beside the memory in use", async () => {
  const text = await shown(805_306_368);
  expect(text).toMatch(/^analytics_memory_limit_bytes 805306368$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test("what control groups say of no limit is not told as one", async () => {
  const constrained = jest.spyOn(process, "constrainedMemory");
  try {
    for (const none of [0, 2 ** 63, 2 ** 64]) {
      constrained.mockReturnValue(none);
      expect(await shown()).not.toContain("analytics_memory_limit_bytes");
    }
    constrained.mockReturnValue(134_217_728);
    expect(await shown()).toMatch(/^analytics_memory_limit_bytes 134217728$/m);
  } finally {
    constrained.mockRestore();
  }
});
