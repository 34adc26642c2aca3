import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../../tools/servers/free-ports.ts";
import { ServiceProcess } from "../service-process.ts";

const root = join(import.meta.dirname, "../..");

const event = (id: string) => ({ id, type: "life.cycle", source: "test" });
const post = (service: ServiceProcess, id: string) =>
  fetch(`${service.url}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(event(id)),
  });

test("SIGTERM: requests under way are answered, what was accepted is there at the next start", async () => {
  const service = await ServiceProcess.create();
  try {
    await service.start();
    const answers = Array.from({ length: 50 }, (_, i) =>
      post(service, `e${i}`).catch(() => undefined),
    );
    await Promise.race(answers);
    const startedAt = Date.now();
    expect(await service.stop()).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    const accepted = (await Promise.all(answers)).filter((answer) => answer?.status === 202).length;
    expect(accepted).toBeGreaterThan(0);

    await service.start();
    await eventually(async () => {
      const counts = (await (await fetch(`${service.url}/api/v1/events/counts`)).json()) as {
        total: number;
      };
      expect(counts.total).toBeGreaterThanOrEqual(accepted);
    });
  } finally {
    await service.dispose();
  }
});

test("signals while it starts end it in order, and the next start finds the folder as it was left", async () => {
  const service = await ServiceProcess.create();
  try {
    for (const file of ["folder.json", "store.sqlite-opened"]) {
      const exited = once(service.spawn(), "exit");
      await eventually(() => expect(existsSync(join(service.dataDir, file))).toBe(true));
      // As a terminal does it: to npm's child directly, and once more by npm.
      service.signal("SIGTERM");
      service.signal("SIGTERM");
      expect({ file, ended: await exited }).toEqual({ file, ended: [0, null] });
    }
    await service.start();
    expect(await service.stop()).toBe(0);
    expect(service.output).toContain('"msg":"running"');
    expect(service.output).not.toContain("Moleculer v");
  } finally {
    await service.dispose();
  }
});

test("what a process has compiled is there for later ones while it runs, so also once it is killed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-"));
  const compiled = join(folder, "compiled");
  const runner = [
    "node_modules/moleculer/bin/moleculer-runner.mjs",
    "--config",
    "moleculer.config.ts",
  ];
  const child = spawn(process.execPath, runner, {
    cwd: root,
    stdio: "ignore",
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: compiled,
      DATA_DIR: join(folder, "data"),
      PORT: String(await freePort()),
    },
  });
  try {
    await eventually(async () =>
      expect((await readdir(compiled, { recursive: true })).length).toBeGreaterThan(200),
    );
    expect(child.exitCode).toBe(null);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
    await rm(folder, { recursive: true, force: true });
  }
});

test("a second start on the same folder is refused with a message that names it", async () => {
  const first = await ServiceProcess.create();
  try {
    await first.start();
    const second = await ServiceProcess.create({ DATA_DIR: first.dataDir });
    const [code] = (await once(second.spawn(), "exit")) as [number];
    expect(code).not.toBe(0);
    expect(second.output).toContain(`${first.dataDir} is in use by process ${first.pid}`);
    expect(await first.isReady()).toBe(true);
  } finally {
    await first.dispose();
  }
});

test("a bad configuration is one message that names every bad variable", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const service = await ServiceProcess.create({
    DATA_DIR: dataDir,
    ENABLE_METRICS: "maybe",
    RABBITMQ_URL: "http://mq",
  });
  try {
    const [code] = (await once(service.spawn(), "exit")) as [number];
    expect(code).toBe(1);
    expect(service.output.match(/ENABLE_METRICS|RABBITMQ_URL/g)).toEqual([
      "RABBITMQ_URL",
      "ENABLE_METRICS",
    ]);
    expect(service.output).not.toContain("    at ");
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test("an address on which nothing can be served ends the start with one message that names it", async () => {
  const service = await ServiceProcess.create({
    HOST: "no.such.host.invalid",
    API_KEYS: "a-key-of-the-shop-1:shop",
    LOG_LEVEL: "warn",
  });
  try {
    const [code] = (await once(service.spawn(), "exit")) as [number];
    expect(code).toBe(1);
    const told = service.output.split("\n").filter((line) => line.includes("HOST and PORT"));
    expect(told).toEqual([
      expect.stringMatching(/"fatal".*served there: .*no\.such\.host\.invalid/),
    ]);
  } finally {
    await service.dispose();
  }
});

test("keys: none is a 401, a wrong scope a 403, another project's event a 404, and no key is in the logs", async () => {
  const keys = {
    shop: "shop-key-0123456789",
    blog: "blog-key-0123456789",
    writer: "only-writes-0123456789",
  };
  const service = await ServiceProcess.create({
    LOG_LEVEL: "debug",
    API_KEYS: `${keys.shop}:shop,${keys.blog}:blog,${keys.writer}:shop:events:write`,
  });
  const get = (path: string, headers: Record<string, string>) =>
    fetch(service.url + path, { headers });
  try {
    await service.start();
    expect((await post(service, "e1")).status).toBe(401);
    const accepted = await fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Api-Key": keys.writer, Prefer: "wait=10" },
      body: JSON.stringify(event("e1")),
    });
    expect(accepted.status).toBe(201);
    const path = "/api/v1/events/e1";
    expect((await get(path, {})).status).toBe(401);
    expect((await get(path, { "X-Api-Key": keys.writer })).status).toBe(403);
    expect((await get(path, { Authorization: `Bearer ${keys.shop}` })).status).toBe(200);
    expect((await get(path, { Authorization: `Bearer ${keys.blog}` })).status).toBe(404);
    const basic = Buffer.from(`${keys.shop}:`).toString("base64");
    expect((await get(path, { Authorization: `Basic ${basic}` })).status).toBe(200);
    const counts = await get("/api/v1/events/counts", { "X-Api-Key": keys.blog });
    expect(await counts.json()).toMatchObject({ data: [], total: 0 });
    await service.stop();
    for (const key of Object.values(keys)) expect(service.output).not.toContain(key);
  } finally {
    await service.dispose();
  }
});
