// Exits with 0 where the process of this container answers, with 1 where it does not.
//
// The gateway answers on PORT, any other process on OPS_PORT. One without either is asked nothing.

import process from "node:process";

const { SERVICES = "", PORT = "4000", OPS_PORT = "0" } = process.env;
const names = SERVICES.split(",").map((name) => name.trim());
const port = Number(SERVICES.trim() === "" || names.includes("api-gateway") ? PORT : OPS_PORT);

if (port !== 0) {
  const signal = globalThis.AbortSignal.timeout(4_000);
  const answer = await globalThis
    .fetch(`http://127.0.0.1:${port}/health/live`, { signal })
    .catch(() => undefined);
  process.exitCode = answer?.ok ? 0 : 1;
}
