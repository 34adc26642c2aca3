import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const script = join(import.meta.dirname, "../../docs/deploy/healthcheck.mjs");

/** Runs the image's health check. @returns whether it says healthy */
async function isHealthy(env: Readonly<Record<string, string>>): Promise<boolean> {
  const child = spawn(process.execPath, [script], { env, stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}

/** A process that answers what `says` says, and is asked by the health check. */
async function answering(variable: "PORT" | "OPS_PORT", services: string) {
  const says = { live: false, ready: false };
  const server = createServer(({ url }, response) => {
    const known = url === "/health/live" ? says.live : url === "/health/ready" && says.ready;
    response.writeHead(known ? 200 : 503).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = (server.address() as AddressInfo).port;
  return {
    says,
    check: () => isHealthy({ SERVICES: services, [variable]: String(port) }),
    async [Symbol.asyncDispose]() {
      server.close();
      const left = (await readdir("/dev/shm")).filter((name) =>
        name.startsWith(`analytics-ready-${port}-`),
      );
      for (const name of left) await rm(join("/dev/shm", name));
    },
  };
}

test.each([
  ["a process that runs everything", "PORT", ""],
  ["a gateway", "PORT", "api-gateway"],
  ["a worker", "OPS_PORT", "processor, query"],
] as const)(
  "%s is healthy once it was ready, then while it answers",
  async (_, variable, services) => {
    await using service = await answering(variable, services);
    expect(await service.check()).toBe(false);
    service.says.live = true;
    expect(await service.check()).toBe(false);
    service.says.ready = true;
    expect(await service.check()).toBe(true);
    service.says.ready = false;
    expect(await service.check()).toBe(true);
    service.says.live = false;
    expect(await service.check()).toBe(false);
  },
);

test("a process without a port is asked nothing", async () => {
  expect(await isHealthy({ SERVICES: "query", OPS_PORT: "0" })).toBe(true);
});

test("nobody answers", async () => {
  expect(await isHealthy({ SERVICES: "query", OPS_PORT: "9" })).toBe(false);
});
