import { readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { stopWithinMs } from "../../lib/call-limits.ts";
import { ConfigError, readConfig, type Environment } from "../../lib/config.ts";
import { metricTable } from "../../lib/metrics.ts";
import { operatingPaths } from "../../lib/runtime/operations.ts";
import { collectProcessMetrics } from "../../lib/runtime/process-metrics.ts";

/**
 * What deployment files may name, as the code has it:
 *
 *   node names.ts tables           the metrics with type and labels, the variables that are read, the paths
 *                                that operators ask, the default port, the longest time to end
 *   node names.ts accepts < FILE   whether the configuration takes these environments: [{"process", "env"}]
 */
interface ProcessEnvironment {
  readonly process: string;
  readonly env: Environment;
}

/** `labels` is null where they are the library's own. */
interface Metric {
  readonly type: string;
  readonly labels: readonly string[] | null;
}

async function tables() {
  const known = new Map<string, Metric>();
  for (const [name, metric] of Object.entries(metricTable)) {
    known.set(name, {
      type: metric.type,
      labels: Object.keys(metric.labels ?? {}),
    });
  }
  const registry = new Registry();
  collectProcessMetrics(registry, 1);
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    known.set(name, { type: String(type), labels: null });
  }
  return {
    metrics: Object.fromEntries(known),
    variables: variables(),
    paths: Object.keys(operatingPaths),
    port: readConfig({}).port,
    stopWithinMs,
    segmentCacheBytes: readConfig(ofQueries).segmentCache!.maxBytes,
  };
}

/** What a process of a cluster is given that answers questions. */
const ofQueries: Environment = {
  SERVICES: "query",
  MONGODB_URI: "mongodb://mongodb/analytics",
  RABBITMQ_URL: "amqp://rabbitmq",
};

/** Every variable that the configuration asks for, found out by giving it nothing but a Redis host. */
function variables(): readonly string[] {
  const names = new Set<string>();
  const environment = new Proxy<Environment>(
    {},
    {
      get(_, name): string | undefined {
        names.add(String(name));
        return name === "REDIS_HOST" ? "redis" : undefined;
      },
    },
  );
  readConfig(environment);
  return [...names];
}

function problemsOf({ process, env }: ProcessEnvironment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => `${process}: ${problem}`);
  }
}

const [verb] = process.argv.slice(2);
if (verb === "tables") {
  console.log(JSON.stringify(await tables()));
} else if (verb === "accepts") {
  const environments = JSON.parse(readFileSync(0, "utf8")) as readonly ProcessEnvironment[];
  const problems = environments.flatMap(problemsOf);
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} else {
  console.error("usage: names.ts tables | accepts");
  process.exitCode = 2;
}
