import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "./eventually.ts";

/**
 * Clients that ask for reads which look at many events, no two of them the same, until they all leave at once.
 * @returns the answers that came before, at least one
 */
export async function askAndLeave(
  url: string,
  clients: number,
  untilThen: () => Promise<void>,
): Promise<readonly number[]> {
  const leaving = new AbortController();
  const statuses: number[] = [];
  let next = 0;
  const client = async () => {
    while (!leaving.signal.aborted) {
      const status = await ask(url, (next += 1), leaving.signal);
      if (status !== undefined) statuses.push(status);
      if (status === 429) await delay(50);
    }
  };
  const reads = Promise.all(Array.from({ length: clients }, client));
  try {
    await untilThen();
    await eventually(() => expect(statuses.length).toBeGreaterThan(0), 60_000);
  } finally {
    leaving.abort();
    await reads;
  }
  return statuses;
}

/** @returns the answer's status; `undefined` where the client left before its end */
function ask(url: string, n: number, signal: AbortSignal): Promise<number | undefined> {
  const where = `data.n=${-n}`;
  const question = { metrics: ["count"], dimensions: ["data.n"], filters: ["is", "data.n", -n] };
  const paths = [`/events?${where}`, `/events?${where}&include=total`, `/events/export?${where}`];
  const path = paths[n % 4];
  return new Promise((resolve) => {
    const sent = request(`${url}/api/v1${path ?? "/query"}`, {
      method: path === undefined ? "POST" : "GET",
      headers: { "Content-Type": "application/json" },
      signal,
    });
    sent.on("error", () => resolve(undefined));
    sent.on("response", (response) => {
      response.on("error", () => resolve(undefined));
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.end(path === undefined ? JSON.stringify(question) : undefined);
  });
}

/** What a process holds for reads, by `/metrics`. */
export async function heldForReads(url: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^analytics_${name}(?:{.*})? (\\S+)$`, "gm"))]
      .map(([, value]) => Number(value))
      .reduce((a, b) => a + b);
  const names = ["reads_running", "reads_waiting", "store_reads", "answer_bytes"] as const;
  return Object.fromEntries(names.map((name) => [name, sum(name)]));
}

const nothing = { reads_running: 0, reads_waiting: 0, store_reads: 0, answer_bytes: 0 };

/** Waits until a process holds nothing for reads any more. */
export function heldNothing(url: string): Promise<void> {
  return eventually(async () => expect(await heldForReads(url)).toEqual(nothing), 60_000);
}
