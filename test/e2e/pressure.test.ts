import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricOf } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { RawConnection } from "../raw-http.ts";
import { ServiceProcess } from "../service-process.ts";

let made = 0;

/** Posts a batch of new events. @returns the answer, and how many events were accepted */
async function postBatch(service: ServiceProcess, size = 100, padding = 500) {
  const events = Array.from({ length: size }, () => ({
    id: `pressure-${(made += 1)}`,
    type: "pressure.test",
    source: "test",
    data: "x".repeat(padding),
  }));
  const response = await fetch(`${service.url}/api/v1/events/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(events),
  });
  await response.arrayBuffer();
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    accepted: response.status === 202 ? size : 0,
  };
}

/** Posts an event and waits as long as one may until it is stored. */
async function postWaiting(service: ServiceProcess, id: string): Promise<Response> {
  return fetch(`${service.url}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: "wait=30" },
    body: JSON.stringify({ id, type: "pressure.test", source: "test" }),
  });
}

/** Posts until collecting is refused. @returns how many events were accepted */
async function fill(service: ServiceProcess): Promise<number> {
  let accepted = 0;
  for (;;) {
    const answer = await postBatch(service);
    accepted += answer.accepted;
    if (answer.status === 202) continue;
    expect(answer.status).toBe(503);
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    return accepted;
  }
}

async function total(service: ServiceProcess): Promise<number> {
  return ((await (await fetch(`${service.url}/api/v1/events/counts`)).json()) as { total: number })
    .total;
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

test("a full queue: 503 with Retry-After, memory flat, the service lives, nothing accepted is lost; who waits is told that it is kept", async () => {
  const service = await ServiceProcess.create({ QUEUE_MAX_BYTES: "8388608", LOG_LEVEL: "warn" });
  // A folder where the store's file belongs: the store is away, so the queue keeps everything.
  const obstacle = join(service.dataDir, "store.sqlite");
  mkdirSync(obstacle);
  try {
    service.spawn();
    await eventually(async () =>
      expect((await fetch(`${service.url}/health/live`)).status).toBe(200),
    );
    await eventually(async () => expect((await postBatch(service, 1)).status).toBe(202));
    const waiting = ["w1", "w2", "w3"].map((id) => postWaiting(service, id));
    await eventually(async () => {
      const accepted = await metricOf(service, 'analytics_events_total{outcome="accepted"}');
      expect(accepted).toBe(1 + waiting.length);
    });
    const accepted = 1 + waiting.length + (await fill(service));
    const before = rssMb(service.pid);
    for (let i = 0; i < 300; i += 1) expect((await postBatch(service)).status).toBe(503);
    expect(rssMb(service.pid) - before).toBeLessThan(60);
    expect(await service.isReady()).toBe(false);

    const answers = await Promise.all(waiting);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(await answers[0]!.json()).toMatchObject({ id: "w1", status: "accepted" });
    rmdirSync(obstacle);
    await eventually(async () => expect(await total(service)).toBe(accepted), 60_000);
    await eventually(async () => expect(await service.isReady()).toBe(true));
    expect((await postBatch(service)).status).toBe(202);
  } finally {
    await service.dispose();
  }
});

test("bodies in flight are bounded: what does not fit is told to come again, and what is under way is served", async () => {
  const service = await ServiceProcess.create({
    HTTP_MAX_BODY_BYTES_IN_FLIGHT: "10485760",
    LOG_LEVEL: "warn",
  });
  try {
    await service.start();
    const port = Number(new URL(service.url).port);
    const events = Array.from({ length: 80 }, (_, i) => ({
      id: `flight-${i}`,
      type: "pressure.test",
      source: "test",
      data: "x".repeat(60_000),
    }));
    const body = JSON.stringify(events);
    const head = `POST /api/v1/events/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    // Nearly all of a body, and half of another one: more than an address may have.
    const first = new RawConnection(port).write(head + body.slice(0, -1));
    const second = new RawConnection(port).write(head + body.slice(0, body.length / 2));
    const refused = await Promise.race([first.answer(), second.answer()]);
    expect([refused?.status, refused?.headers["retry-after"]]).toEqual([429, "1"]);
    expect(refused?.headers["connection"]).toBe("close");
    for (const connection of [first, second]) connection.end();
    await eventually(async () => {
      const whole = new RawConnection(port).write(head + body);
      expect((await whole.answer())?.status).toBe(202);
      whole.end();
    });
    await eventually(async () => expect(await total(service)).toBe(80));
  } finally {
    await service.dispose();
  }
});

const isRoot = process.getuid?.() === 0;
const mounted: string[] = [];

function mountTmpfs(options: string): string {
  const folder = mkdtempSync(join(tmpdir(), "analytics-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  mounted.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of mounted.splice(0)) {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Only root may mount the small disk that these tests fill. */
const withDisk = isRoot ? test : test.skip;

withDisk(
  "a full disk: 503 and no crash; with room again it goes on without a restart",
  async () => {
    const disk = mountTmpfs("size=24m");
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(10 * 1_048_576));
    const service = await ServiceProcess.create({ DATA_DIR: disk, LOG_LEVEL: "warn" });
    try {
      await service.start();
      const { pid } = service;
      let accepted = await fill(service);
      expect((await fetch(`${service.url}/health/live`)).status).toBe(200);

      rmSync(ballast);
      await eventually(async () => {
        const answer = await postBatch(service, 1);
        accepted += answer.accepted;
        expect(answer.status).toBe(202);
      }, 60_000);
      await eventually(async () => expect(await total(service)).toBe(accepted), 60_000);
      expect(service.pid).toBe(pid);
      expect(await service.isReady()).toBe(true);
    } finally {
      await service.kill();
    }
  },
);

withDisk(
  "a folder that cannot be written at the start: 503, a clear log, then it goes on",
  async () => {
    const disk = mountTmpfs("size=64m");
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const service = await ServiceProcess.create({ DATA_DIR: disk });
    try {
      service.spawn();
      await eventually(async () => expect((await postBatch(service, 1)).status).toBe(503));
      expect(await service.isReady()).toBe(false);
      expect(service.output).toContain("DATA_DIR cannot be written");

      execFileSync("mount", ["-o", "remount,rw", disk]);
      await eventually(async () => expect((await postBatch(service, 1)).status).toBe(202), 30_000);
      await eventually(async () => expect(await service.isReady()).toBe(true));
      await eventually(async () => expect(await total(service)).toBe(1));
    } finally {
      await service.kill();
    }
  },
);
