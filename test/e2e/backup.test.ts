import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

const script = join(import.meta.dirname, "../../docs/deploy/backup.mjs");
const backUp = (from: string, to: string) =>
  promisify(execFile)(process.execPath, [script, from, to]);

const getJson = async <T>(service: ServiceProcess, path: string) =>
  (await (await fetch(service.url + path)).json()) as T;

/** Posts batches without a pause. @returns the ids answered 202 so far, and how to stop */
function collecting(service: ServiceProcess) {
  const accepted: string[] = [];
  let running = true;
  let made = 0;
  const post = async (size: number) => {
    while (running) {
      const ids = Array.from({ length: size }, () => `e${(made += 1)}`);
      const { status } = await fetch(`${service.url}/api/v1/events/batch`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(ids.map((id) => ({ id, type: "backup.test", source: "test" }))),
      });
      expect([202, 503]).toContain(status);
      if (status === 202) accepted.push(...ids);
    }
  };
  const done = Promise.all([1, 5, 50].map(post));
  return {
    accepted,
    async stop() {
      running = false;
      await done;
    },
  };
}

interface Page {
  readonly data: readonly { readonly id: string }[];
  readonly page: { readonly nextCursor: string | null };
}

async function idsOf(service: ServiceProcess): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/api/v1/events?limit=1000&fields=id${cursor && `&cursor=${cursor}`}`;
    const { data, page } = await getJson<Page>(service, path);
    for (const { id } of data) ids.add(id);
    cursor = page.nextCursor;
  }
  return ids;
}

test("a backup of a busy service holds all that was accepted before it, each counted once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-backup-"));
  const service = await ServiceProcess.create();
  try {
    await service.start();
    const load = collecting(service);
    const backups: { readonly target: string; readonly before: readonly string[] }[] = [];
    for (const name of ["first", "second"]) {
      const enough = load.accepted.length + 500;
      await eventually(() => expect(load.accepted.length).toBeGreaterThan(enough));
      const before = [...load.accepted];
      const target = join(folder, name);
      await backUp(service.dataDir, target);
      backups.push({ target, before });
    }
    await load.stop();
    await service.stop();

    for (const { target, before } of backups) {
      const restored = await ServiceProcess.create({ DATA_DIR: target });
      try {
        await restored.start();
        await eventually(async () => {
          const { stages } = await getJson<{ stages: Record<string, { backlog?: number }> }>(
            restored,
            "/health",
          );
          expect(stages["processor"]?.backlog).toBe(0);
          expect(stages["aggregator"]?.backlog).toBe(0);
        });
        const stored = await idsOf(restored);
        expect(before.filter((id) => !stored.has(id))).toEqual([]);
        const { total } = await getJson<{ total: number }>(restored, "/api/v1/events/counts");
        expect(total).toBe(stored.size);
      } finally {
        await restored.kill();
      }
    }
  } finally {
    await service.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

test("a backup is refused, and nothing is left, where the folder is no data folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "analytics-backup-"));
  try {
    await expect(backUp(folder, join(folder, "target"))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("queue.sqlite is missing") as string,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
