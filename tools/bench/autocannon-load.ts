/**
 * A load generator in a process of its own: takes a `LoadRequest` as its message, answers a `Load`,
 * ends.
 */
import autocannon from "autocannon";
import { readFileSync } from "node:fs";
import type { Load, LoadRequest } from "./load.ts";

process.once("message", (message) => {
  const { url, bodyFile, contentType, connections, seconds } = message as LoadRequest;
  void autocannon({
    url,
    method: "POST",
    headers: { "Content-Type": contentType },
    body: readFileSync(bodyFile, "utf8"),
    connections,
    duration: seconds,
  }).then((result) => {
    const load: Load = {
      perSecond: result["2xx"] / result.duration,
      p50Ms: result.latency.p50,
      p99Ms: result.latency.p99,
      failed: result.non2xx + result.errors,
    };
    process.send?.(load);
    process.disconnect();
  });
});
