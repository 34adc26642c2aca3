import { once } from "node:events";
import { chmod, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

let service: ServiceProcess;
beforeEach(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
  const event = JSON.stringify({ id: "e", type: "t", source: "s" });
  expect((await sendTo(service, "", event, { Prefer: "wait=10" })).status).toBe(201);
}, 120_000);
afterEach(() => service.dispose());

const inFolder = (name: string) => join(service.dataDir, name);

/** Starts it, and expects it to end by itself with these words. */
async function refused(words: RegExp): Promise<void> {
  const [code] = (await once(service.spawn(), "exit")) as [number];
  expect(code).toBe(1);
  expect(service.output).toMatch(words);
}

test("a start on files that do not belong together ends with one message, and one on all of them goes on", async () => {
  await service.stop();
  await rename(inFolder("queue.sqlite"), inFolder("aside"));
  await refused(/queue\.sqlite is missing or empty[^]*move everything in[^]*accept-as-is/);
  await rename(inFolder("aside"), inFolder("queue.sqlite"));
  await rename(inFolder("lock.sqlite"), inFolder("aside"));
  await writeFile(inFolder("lock.sqlite"), "no database ".repeat(1_000));
  await refused(/lock\.sqlite is damaged[^]*remove the lock file/);
  await rename(inFolder("aside"), inFolder("lock.sqlite"));
  await service.start();
  const counts = await fetch(`${service.url}/api/v1/events/counts`);
  expect(await counts.json()).toMatchObject({ total: 1, meta: { exact: true } });
}, 120_000);

test("an event that is damaged is left out, and answers that may have needed it say so", async () => {
  const other = JSON.stringify({ id: "f", type: "t", source: "s", data: { plan: "free" } });
  expect((await sendTo(service, "", other, { Prefer: "wait=10" })).status).toBe(201);
  await service.stop();
  const db = new DatabaseSync(inFolder("store.sqlite"));
  db.exec("UPDATE events SET body = substr(body, 1, 10) WHERE id = 'e'");
  db.close();
  await refused(/store\.sqlite was changed or damaged since the last stop/);
  await writeFile(inFolder("accept-as-is"), "");
  await service.start();
  const get = async (path: string) => (await fetch(service.url + path)).json();
  expect(await get("/api/v1/events")).toMatchObject({
    data: [{ id: "f" }],
    meta: { exact: false, because: ["damaged"] },
  });
  const asked = await fetch(`${service.url}/api/v1/query`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ metrics: ["count"], dimensions: ["data.plan"] }),
  });
  expect(await asked.json()).toMatchObject({
    results: [{ dimensions: ["free"], metrics: [1] }],
    meta: { exact: false, because: ["damaged"] },
  });
  const exported = await fetch(`${service.url}/api/v1/events/export`);
  expect(exported.headers.get("because")).toBe("damaged");
  expect((await exported.text()).trim().split("\n")).toHaveLength(1);
  // The rollups counted it when it was whole; the log names it, and so does nobody else.
  await eventually(async () => {
    expect(await get("/api/v1/events/counts")).toMatchObject({ total: 2, meta: { exact: true } });
  });
  expect(await get("/health")).toMatchObject({ status: "degraded" });
  expect(service.output.match(/event is damaged and was set aside/g)).toHaveLength(1);
}, 180_000);

test("a process whose lock file is gone ends, before another one can use the folder", async () => {
  const { dataDir } = service;
  const other = await ServiceProcess.create({ DATA_DIR: dataDir, LOG_LEVEL: "warn" });
  await rm(inFolder("lock.sqlite"));
  await other.start();
  expect(service.output).toMatch(/lock\.sqlite was removed or replaced/);
  expect(await service.isReady()).toBe(false);
  await other.stop();
}, 120_000);

test("folder and files are their owner's alone, also where they were open to others", async () => {
  await service.stop();
  for (const name of await readdir(service.dataDir)) await chmod(inFolder(name), 0o644);
  await chmod(service.dataDir, 0o755);
  await service.start();
  await eventually(async () => {
    const modes = (await readdir(service.dataDir)).map(async (name) => {
      const { mode } = await stat(inFolder(name));
      return [name, (mode & 0o777).toString(8)];
    });
    const found = await Promise.all(modes);
    expect(found.length).toBeGreaterThan(4);
    expect(found.filter(([, mode]) => mode !== "600")).toEqual([]);
  });
  expect(((await stat(service.dataDir)).mode & 0o777).toString(8)).toBe("700");
}, 120_000);
