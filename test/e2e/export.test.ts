import { once } from "node:events";
import { rename } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const count = 12_000;

/** The export is far larger than what sockets hold. */
const note = "n".repeat(4_000);
const start = Date.UTC(2024, 2, 5);

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
  for (let from = 0; from < count; from += 1_000) {
    const events = Array.from({ length: 1_000 }, (_, i) => ({
      id: `e${from + i}`,
      type: (from + i) % 2 === 0 ? "mail.opened" : "mail.clicked",
      source: "=export",
      timestamp: start + from + i,
      data: { n: from + i, note },
    }));
    const answer = await sendTo(service, "/batch", JSON.stringify({ events }));
    expect(answer.status).toBe(202);
  }
  await eventually(async () => {
    const response = await fetch(`${service.url}/api/v1/events/counts`);
    expect(((await response.json()) as { total: number }).total).toBe(count);
  });
  await eventually(async () => {
    const response = await fetch(`${service.url}/api/v1/events?limit=1&include=total`);
    expect(await response.json()).toMatchObject({
      total: count,
      meta: { rows: 1, rowsLeftOut: count - 1 },
    });
  });
}, 120_000);
afterAll(() => service.dispose());

const exported = (search: string, init?: RequestInit) =>
  fetch(`${service.url}/api/v1/events/export${search}`, init);

/** The answer to an export, of which nothing is read yet. */
async function begun(): Promise<IncomingMessage> {
  const request = get(`${service.url}/api/v1/events/export`).on("error", () => {
    // Told by the response, too.
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** How many events the service has read for exports. */
async function exportedEvents(): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^analytics_events_exported_total(?:\{.*\})? (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe("an export", () => {
  test("has every event that the filters find, oldest first, as the list shows them", async () => {
    const search = `?type=mail.opened&data.n[gte]=100&to=${start + 900}`;
    const response = await exported(search);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(response.headers.get("content-disposition")).toMatch(
      /^attachment; filename="events-[\dTZ-]+\.ndjson"$/,
    );
    expect(Date.parse(response.headers.get("as-of")!)).toBeGreaterThan(Date.now() - 60_000);
    const lines = (await response.text()).trimEnd().split("\n");
    const list = await fetch(`${service.url}/api/v1/events${search}&limit=1000&order=asc`);
    const { data } = (await list.json()) as { data: unknown[] };
    expect(data).toHaveLength(400);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(data);
  });

  test("is CSV where it is asked for, or liked best", async () => {
    const search = "?fields=id,source,data.n&order=desc&limitless";
    expect((await exported(search)).status).toBe(400);
    const response = await exported("?fields=id,source,data.n&order=desc", {
      headers: { Accept: "text/csv" },
    });
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    const records = (await response.text()).split("\r\n");
    expect(records.slice(0, 3)).toEqual([
      "id,source,data.n",
      `e${count - 1},'=export,${count - 1}`,
      `e${count - 2},'=export,${count - 2}`,
    ]);
    expect(records).toHaveLength(count + 2);
    const none = await exported("?format=csv&type=none");
    expect(await none.text()).toMatch(/^id,type,[a-zA-Z,]+\r\n$/);
  });

  test("that cannot be is a problem before it begins", async () => {
    const statusOf = async (search: string, init?: RequestInit) => {
      const response = await exported(search, init);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      return [response.status, response.headers.get("allow")];
    };
    expect(await statusOf("?format=xml")).toEqual([400, null]);
    expect(await statusOf("?from=soon")).toEqual([400, null]);
    expect(await statusOf("?cursor=x")).toEqual([400, null]);
    expect(await statusOf("", { headers: { Accept: "image/png" } })).toEqual([406, null]);
    const csvOnly = { headers: { Accept: "text/csv" } };
    expect(await statusOf("?format=ndjson", csvOnly)).toEqual([406, null]);
    expect(await statusOf("", { method: "POST" })).toEqual([405, "OPTIONS, GET, HEAD"]);
    expect(await statusOf("", { method: "DELETE" })).toEqual([405, "OPTIONS, GET, HEAD"]);
  });

  test("has a head without a body", async () => {
    const response = await exported("?format=csv", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(await response.text()).toBe("");
  });

  test("is read from the store no faster than it is taken, and not once the client left", async () => {
    const before = await exportedEvents();
    const response = await begun();
    let last = 0;
    await eventually(async () => {
      const events = (await exportedEvents()) - before;
      const settled = events > 0 && events === last;
      last = events;
      await delay(250);
      expect(settled).toBe(true);
    });
    // What the sockets hold, and little more.
    expect(last).toBeLessThan(count / 2);
    let taken = 0;
    for await (const chunk of response) {
      taken += (chunk as Buffer).length;
      if (taken > (last + 2_000) * note.length) break;
    }
    response.destroy();
    await delay(500);
    const after = (await exportedEvents()) - before;
    expect(after).toBeGreaterThan(last);
    expect(after).toBeLessThan(count);
  });

  test("whose store goes away in the middle is broken off, and the next one says why", async () => {
    const response = await begun();
    expect(response.statusCode).toBe(200);
    const file = join(service.dataDir, "store.sqlite");
    await rename(file, `${file}.away`);
    const read = (async () => {
      for await (const _ of response);
    })();
    await expect(read).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await exported("")).status).toBe(503);
    await rename(`${file}.away`, file);
    await eventually(async () => expect((await exported("?type=none")).status).toBe(200));
    expect(service.output).toContain("an export broke off");
  });
});
