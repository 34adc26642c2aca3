import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError, readConfig, type Environment } from "../../lib/config.ts";
import { environmentExample } from "../../lib/variables.ts";

const root = join(import.meta.dirname, "../..");
const example = parseEnv(readFileSync(join(root, ".env.example"), "utf8")) as Environment;

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe(".env.example", () => {
  test("states the defaults", () => {
    expect(readConfig(example)).toEqual(readConfig({}));
  });

  test("is as the table of variables writes it: npm run env-example", () => {
    expect(readFileSync(join(root, ".env.example"), "utf8")).toBe(environmentExample());
  });

  test("names every variable that is read, and no other", () => {
    const read = new Set<string>();
    const variables: Environment = { REDIS_HOST: "cache" };
    readConfig(
      new Proxy(variables, {
        get(target, name) {
          read.add(String(name));
          return target[String(name)];
        },
      }),
    );
    expect(Object.keys(example).sort()).toEqual([...read].sort());
  });
});

describe("readConfig", () => {
  test("needs nothing", () => {
    const config = readConfig({});
    expect(config).toMatchObject({ host: "127.0.0.1", port: 4000, metrics: true, apiKeys: [] });
    expect(config.services).toHaveLength(5);
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("names every bad variable in one error", () => {
    const problems = problemsOf({
      NODE_ENV: "staging",
      PORT: "80000",
      MONGODB_URI: "http://db",
      RABBITMQ_URL: "redis://:secret@mq",
      REDIS_URL: "http://:secret@cache",
      RATE_LIMIT_READS_PER_SECOND: "-1",
      ENABLE_METRICS: "yes",
      SERVICES: "ingest,nothing",
      ROLLUP_DIMENSIONS: "plan",
      API_KEYS: "short:shop",
      QUEUE_MAX_BYTES: "1GB",
    });
    for (const name of [
      "NODE_ENV",
      "PORT",
      "MONGODB_URI",
      "RABBITMQ_URL",
      "REDIS_URL",
      "RATE_LIMIT_READS_PER_SECOND",
      "ENABLE_METRICS",
      "SERVICES",
      "ROLLUP_DIMENSIONS",
      "API_KEYS",
      "QUEUE_MAX_BYTES",
    ]) {
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
    }
    expect(problems.join()).not.toContain("secret");
  });

  test("keeps no key, only what it hashes to", () => {
    const key = "0123456789abcdef";
    const config = readConfig({ API_KEYS: `${key}:shop:events:write+events:read` });
    expect(JSON.stringify(config)).not.toContain(key);
    expect(config.apiKeys[0]).toMatchObject({
      project: "shop",
      scopes: new Set(["events:write", "events:read"]),
    });
  });

  test.each([
    [{ HOST: "0.0.0.0" }, /API_KEYS/],
    [{ NODE_ENV: "production" }, /API_KEYS/],
    [{ SERVICES: "ingest" }, /RABBITMQ_URL/],
    [{ SERVICES: "processor", RABBITMQ_URL: "amqp://mq" }, /MONGODB_URI/],
  ])("refuses to start with %j", (environment, told) => {
    expect(problemsOf(environment)).toEqual([expect.stringMatching(told)]);
  });

  test("a part of the services runs where the shared parts are named", () => {
    const config = readConfig({
      SERVICES: "query,ingest",
      RABBITMQ_URL: "amqp://mq",
      MONGODB_URI: "mongodb://db",
    });
    expect(config.services).toEqual(["ingest", "query"]);
  });

  test("an operator's console joins a cluster without services, and is the whole service without one", () => {
    const cluster = { RABBITMQ_URL: "amqp://mq", NODE_ENV: "production" };
    expect(readConfig(cluster, true).services).toEqual([]);
    expect(readConfig({ ...cluster, SERVICES: "ingest" }, true).services).toEqual(["ingest"]);
    expect(readConfig({}, true).services).toHaveLength(5);
  });

  test("OPS_PORT is off where it is not named", () => {
    expect(readConfig({}).opsPort).toBe(0);
    expect(readConfig({ OPS_PORT: "4001" }).opsPort).toBe(4001);
    expect(problemsOf({ OPS_PORT: "-1" })).toEqual([expect.stringMatching(/^OPS_PORT/)]);
  });

  test("REDIS_URL wins over REDIS_HOST", () => {
    expect(readConfig({ REDIS_HOST: "cache", REDIS_PORT: "6380" }).redisUrl).toBe(
      "redis://cache:6380",
    );
    expect(readConfig({ REDIS_HOST: "cache", REDIS_URL: "rediss://other" }).redisUrl).toBe(
      "rediss://other",
    );
  });
});
