import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { AnswerMeta } from "../lib/questions/answer-meta.ts";
import type { CountsAnswer } from "../lib/answers/counts.ts";
import type { ListAnswer } from "../lib/questions/lists/list.ts";
import type { EventInput } from "../lib/event/event.ts";

export type Parameters = Readonly<Record<string, string | number>>;

/** Uses the service as any client would: over its public HTTP interface. */
export interface AnalyticsClient {
  readonly url: string;
  /**
   * Sends up to 1,000 events as gzipped NDJSON. It repeats while the service answers 503, with the
   * same bytes: events with an id are stored once all the same.
   * @throws Error where an event is refused, or after a minute of 503
   */
  post(events: readonly EventInput[]): Promise<void>;
  /**
   * Saves a question under a name that is free; one that is there stays.
   * @returns whether there is a question of this name now: false where the key may not save any
   */
  save(name: string, question: object): Promise<boolean>;
  counts(parameters: Parameters): Promise<CountsAnswer>;
  list(parameters: Parameters): Promise<ListAnswer>;
  /** Finds out who listens at the address: by its health report, which needs no key. */
  identify(): Promise<"nobody" | "service" | "stranger">;
}

const patienceMs = 60_000;

/** @param key sent as `Authorization: Bearer`, where the service wants one */
export function analyticsClient(url: string, key?: string): AnalyticsClient {
  const headers: Record<string, string> =
    key === undefined ? {} : { Authorization: `Bearer ${key}` };

  async function get<Answer extends { readonly meta: AnswerMeta }>(
    path: string,
    parameters: Parameters,
  ): Promise<Answer> {
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const response = await fetch(`${url}${path}?${query.toString()}`, { headers });
    const body = await response.text();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${body}`);
    return JSON.parse(body) as Answer;
  }

  return {
    url,
    async post(events) {
      const lines = events.map((event) => JSON.stringify(event)).join("\n");
      const body = gzipSync(lines, { level: 1 });
      const deadline = performance.now() + patienceMs;
      for (;;) {
        const response = await fetch(`${url}/api/v1/events/batch`, {
          method: "POST",
          headers: {
            ...headers,
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
          },
          body,
        });
        const answer = await response.text();
        if (response.status === 202) return;
        if (response.status !== 503 || performance.now() > deadline) {
          throw new Error(`a batch was answered ${response.status}: ${answer.slice(0, 500)}`);
        }
        await delay(1_000 * Number(response.headers.get("retry-after") ?? 1));
      }
    },
    async save(name, question) {
      const response = await fetch(`${url}/api/v1/queries/${name}`, {
        method: "PUT",
        headers: { ...headers, "Content-Type": "application/json", "If-None-Match": "*" },
        body: JSON.stringify(question),
      });
      const answer = await response.text();
      if (response.status === 201 || response.status === 412) return true;
      if (response.status === 401 || response.status === 403) return false;
      throw new Error(`saving ${name} was answered ${response.status}: ${answer.slice(0, 500)}`);
    },
    counts: (parameters) => get<CountsAnswer>("/api/v1/events/counts", parameters),
    list: (parameters) => get<ListAnswer>("/api/v1/events", parameters),
    async identify() {
      try {
        const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) });
        const report = (await response.json()) as { readonly stages?: unknown } | null;
        return report?.stages !== undefined ? "service" : "stranger";
      } catch (error) {
        return refused(error) ? "nobody" : "stranger";
      }
    },
  };
}

function refused(error: unknown): boolean {
  const cause = (error as { readonly cause?: { readonly code?: unknown } }).cause;
  return cause?.code === "ECONNREFUSED";
}
