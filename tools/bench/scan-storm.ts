/**
 * Clients that ask for scans and leave, in a process of its own: so they cost the measuring process
 * nothing. Takes a `StormRequest` as its message. Once the time is over all leave at once; sends
 * how the requests ended, then ends.
 */
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface StormRequest {
  readonly url: string;
  readonly key: string;
  /** At a time, each with a connection of its own. */
  readonly clients: number;
  readonly seconds: number;
  /** After this time a client leaves without its answer, and asks again. */
  readonly patienceMs: number;
}

/** How many requests ended how: by status, or `left`. */
export type StormEnds = Readonly<Record<string, number>>;

/** The wait of a refused client: the service's `Retry-After`. */
const retryMs = 2_000;

process.once("message", (message) => void storm(message as StormRequest));

async function storm({ url, key, clients, seconds, patienceMs }: StormRequest): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const ends: Record<string, number> = {};
  const over = AbortSignal.timeout(seconds * 1_000);
  let next = 1;
  const client = async () => {
    while (!over.aborted) {
      const end = await ask(next++, AbortSignal.any([over, AbortSignal.timeout(patienceMs)]));
      ends[end] = (ends[end] ?? 0) + 1;
      if (end === "429" || end === "503")
        await delay(retryMs, undefined, { signal: over }).catch(() => {});
    }
  };

  /** No two ask the same. */
  function ask(i: number, signal: AbortSignal): Promise<string> {
    const body = { metrics: ["count"], dimensions: ["data.n"], filters: ["is", "data.n", -i] };
    const paths = [
      `/events?data.n=${-i}`,
      `/events?data.n=${-i}&include=total`,
      `/events/export?data.n=${-i}`,
    ];
    const path = paths[i % 4];
    const headers = { "X-Api-Key": key, "Content-Type": "application/json" };
    return new Promise((resolve) => {
      const method = path === undefined ? "POST" : "GET";
      const sent = request(`${url}${path ?? "/query"}`, { method, headers, agent, signal });
      sent.on("error", () => resolve("left"));
      sent.on("response", (response) => {
        response.on("error", () => resolve("left"));
        response.resume().on("end", () => resolve(String(response.statusCode)));
      });
      sent.end(path === undefined ? JSON.stringify(body) : undefined);
    });
  }

  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  process.send?.(ends);
  process.disconnect();
}
