import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError, loadConfig, readConfig, type Environment } from "../../lib/config.ts";
import { maxBatchBytes } from "../../lib/event/limits.ts";
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

describe("a secret", () => {
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (text: string) => {
    const file = join(folder, randomUUID());
    writeFileSync(file, text);
    return file;
  };

  test("may stand in a file", () => {
    const { apiKeys, rabbitmqUrl, mongodbUri, redisUrl } = readConfig({
      API_KEYS_FILE: fileOf("a-key-of-the-shop-1:shop\n\n a-key-of-the-blog-1:blog:admin\n"),
      RABBITMQ_URL_FILE: fileOf("amqp://a:b@mq\n"),
      MONGODB_URI_FILE: fileOf("mongodb://a:b@db/x"),
      REDIS_URL_FILE: fileOf("redis://:b@cache"),
    });
    expect(apiKeys.map(({ project }) => project)).toEqual(["shop", "blog"]);
    expect([rabbitmqUrl, mongodbUri, redisUrl]).toEqual([
      "amqp://a:b@mq",
      "mongodb://a:b@db/x",
      "redis://:b@cache",
    ]);
  });

  test.each<[Environment, RegExp]>([
    [
      { API_KEYS: "a-key-of-the-shop-1:shop", API_KEYS_FILE: "/x" },
      /API_KEYS and API_KEYS_FILE are both set/,
    ],
    [
      { RABBITMQ_URL_FILE: "/none/such" },
      /RABBITMQ_URL_FILE names \/none\/such, which cannot be read \(ENOENT\)/,
    ],
    [{ REDIS_URL_FILE: "/dev/null" }, /REDIS_URL_FILE names \/dev\/null, which is empty/],
  ])("in a file that is no good is told by name (%j)", (environment, message) => {
    expect(problemsOf(environment)).toEqual([expect.stringMatching(message)]);
  });

  const own = "f2b1c0d9e8a7";
  const production = { NODE_ENV: "production", API_KEYS: `${own}${own}:shop` };
  test.each<[string, Environment]>([
    ["RABBITMQ_URL", { RABBITMQ_URL: "amqp://guest:guest@mq:5672" }],
    ["RABBITMQ_URL", { RABBITMQ_URL: "amqp://mq:5672" }],
    ["RABBITMQ_URL", { RABBITMQ_URL: "amqps://:@mq/vhost%40home?heartbeat=5" }],
    ["RABBITMQ_URL", { RABBITMQ_URL_FILE: fileOf("amqp://analytics:change-me@mq") }],
    ["RABBITMQ_URL", { RABBITMQ_URL: "amqp://shop:sh%6Fp@mq" }],
    ["MONGODB_URI", { MONGODB_URI: "mongodb+srv://root:P%61ssword@db/x" }],
    ["MONGODB_URI", { MONGODB_URI: "mongodb://shop:shop@db/x" }],
    ["REDIS_URL", { REDIS_URL: "redis://:secret@cache" }],
    ["API_KEYS entry 2", { API_KEYS: `${own}${own}:a,change-me-change-me:b` }],
    ["API_KEYS entry 1", { API_KEYS: "xxxxxxxxxxxxxxxxxx:a" }],
  ])("that everybody knows is refused in production (%s, %j)", (name, environment) => {
    const problems = problemsOf({ ...production, ...environment });
    expect(problems).toEqual([
      expect.stringMatching(`^${name} has a (password|key) that everybody knows`),
    ]);
    expect(problems.join()).not.toMatch(/guest|change|shop|secret|xxx/i);
    expect(problemsOf(environment)).toEqual([]);
  });

  test("of one's own is taken in production", () => {
    const RABBITMQ_URL = `amqp://analytics:${own}@mq`;
    expect(problemsOf({ ...production, RABBITMQ_URL, REDIS_URL: "redis://cache" })).toEqual([]);
    expect(problemsOf(production)).toEqual([]);
  });
});

describe("loadConfig", () => {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  beforeAll(() => process.chdir(folder));
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
    delete process.env["CLUSTER_NAME"];
  });

  test("a .env that cannot be read is told", () => {
    mkdirSync(".env");
    expect(() => loadConfig()).toThrow(new ConfigError([".env cannot be read (EISDIR)"]));
    rmSync(".env", { recursive: true });
  });

  test("a byte order mark in front of .env belongs to no name", () => {
    writeFileSync(".env", "\uFEFFCLUSTER_NAME=of-the-file\nPORT=1\n");
    process.env["PORT"] = "2";
    try {
      expect(loadConfig()).toMatchObject({ clusterName: "of-the-file", port: 2 });
    } finally {
      delete process.env["PORT"];
    }
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

  test.each([
    "ключ-от-магазина",
    "clé-de-la-boutique",
    "a-key\u00a0of-the-shop",
    "a-key-of\u007fthe-shop",
  ])("refuses a key with characters that no header carries, and does not repeat it (%j)", (key) => {
    const [problem, ...others] = problemsOf({ API_KEYS: `${key}:shop` });
    expect(problem).toMatch(/^API_KEYS entry 1 must .* at least 16 visible characters of ASCII/);
    expect(problem).not.toContain(key);
    expect(others).toEqual([]);
  });

  test.each(["blog", "shop:admin", "shop"])(
    "refuses a key that is there twice, the second time of %s, and does not repeat it",
    (rest) => {
      const key = "a-key-of-the-shop-1";
      const other = "a-key-of-the-blog-1:blog";
      const problems = problemsOf({ API_KEYS: `${key}:shop,${other},${key}:${rest}` });
      expect(problems).toEqual([
        expect.stringMatching(/^API_KEYS entry 3 has the key of entry 1:/),
      ]);
      expect(problems.join()).not.toContain(key);
    },
  );

  test("takes a key of any visible character of ASCII but a colon and the comma between entries", () => {
    const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i));
    const key = visible.filter((character) => !/[:,]/.test(character)).join("");
    expect(readConfig({ API_KEYS: `${key}:shop` }).apiKeys).toHaveLength(1);
  });

  test.each([
    ["RABBITMQ_URL", "amqp://u:secr#et@mq:5672"],
    ["RABBITMQ_URL", "amqp://u:12#secret@mq:5672"],
    ["RABBITMQ_URL", "amqps://u:12/secret@mq"],
    ["RABBITMQ_URL", "amqp://u:12?secret@mq"],
    ["RABBITMQ_URL", "amqp://u:secret@mq:99999"],
    ["REDIS_URL", "redis://:sec/ret@cache"],
    ["REDIS_URL", "rediss://:secret%et@cache"],
    ["REDIS_URL", "redis://:secret@"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "https://u:sec#ret@collector:4318"],
    ["REDIS_URL", "redis://:secret@cache/ret"],
    ["REDIS_URL", "redis://cache:6379/0/secret"],
    ["CORS_ORIGINS", "https://app.example:443"],
    ["CORS_ORIGINS", "http://[::1]:80"],
    ["CORS_ORIGINS", "https://App.example"],
    ["REDIS_HOST", "redis:6379"],
    ["REDIS_HOST", "redis://:secret@cache"],
    ["REDIS_HOST", "[redis]"],
    ["REDIS_HOST", "fe80::1%eth0"],
  ])(
    "refuses an address that would be read otherwise, without its password: %s=%s",
    (name, value) => {
      const problems = problemsOf({ [name]: value });
      expect(problems).toEqual([expect.stringMatching(`^${name} `)]);
      expect(problems.join()).not.toMatch(/sec|ret\b|12/);
    },
  );

  test.each([
    ["RABBITMQ_URL", "amqp://user:p%23%2F%40@[::1]:5672/shop%40home?heartbeat=5"],
    ["REDIS_URL", "redis://:p%25w@cache/3"],
    ["REDIS_URL", "redis://cache/"],
    ["CLUSTER_NAME", `amqp ${"ä".repeat(47)}`],
    ["CORS_ORIGINS", "https://app.example:8443,http://[::80],http://a.example:443,*"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:p%23w@collector:4318/otlp"],
  ])("takes what is percent-encoded: %s=%s", (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([]);
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
    [{ CLUSTER_NAME: "amq" }, /^CLUSTER_NAME/],
    [{ CLUSTER_NAME: "amq.shop" }, /^CLUSTER_NAME/],
    [{ CLUSTER_NAME: "ä".repeat(51) }, /^CLUSTER_NAME/],
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
    const cluster = { RABBITMQ_URL: "amqp://shop:f2b1c0d9e8a7@mq", NODE_ENV: "production" };
    expect(readConfig(cluster, true).services).toEqual([]);
    expect(readConfig({ ...cluster, SERVICES: "ingest" }, true).services).toEqual(["ingest"]);
    expect(readConfig({}, true).services).toHaveLength(5);
  });

  test("the queue takes at least one message of the largest request", () => {
    expect(problemsOf({ QUEUE_MAX_BYTES: String(maxBatchBytes) })).toHaveLength(1);
    expect(readConfig({ QUEUE_MAX_BYTES: "8388608" }).queueMaxBytes).toBe(8_388_608);
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

  test.each(["::1", "[::1]"])("REDIS_HOST may be an IPv6 address: %s", (host) => {
    expect(readConfig({ REDIS_HOST: host }).redisUrl).toBe("redis://[::1]:6379");
  });
});
