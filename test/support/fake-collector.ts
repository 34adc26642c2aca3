import { gunzipSync } from "node:zlib";

/** How the service behaves towards one request. */
export type Behaviour =
  | "takes"
  /** Nothing arrives. */
  | "unreachable"
  /** It takes the events, and the answer is lost. */
  | "answer-lost"
  | { readonly status: number; readonly retryAfter?: number };

interface Sent {
  readonly id: string;
  readonly type: string;
}

/** A collecting service in memory, as a `fetch`: it does as it is told, request by request, and then takes everything. */
export class FakeCollector {
  readonly stored = new Map<string, string>();
  /** Ids in the order in which they came, also those that came again. */
  readonly seen: string[] = [];
  /** How many events each request had. */
  readonly sizes: number[] = [];
  requests = 0;
  readonly #behaviours: Behaviour[];
  /** While it is set requests wait for it. */
  gate: Promise<void> | undefined;

  constructor(behaviours: readonly Behaviour[] = []) {
    this.#behaviours = [...behaviours];
  }

  readonly fetch = async (_url: unknown, init: RequestInit = {}): Promise<Response> => {
    this.requests += 1;
    await this.gate;
    init.signal?.throwIfAborted();
    const behaviour = this.#behaviours.shift() ?? "takes";
    if (behaviour === "unreachable") throw new TypeError("fetch failed");
    if (typeof behaviour === "object") return refusal(behaviour);
    const lines = textOf(init).split("\n");
    this.sizes.push(lines.length);
    const results = lines.flatMap((line, index) => this.#take(line, index));
    if (behaviour === "answer-lost") throw new TypeError("fetch failed");
    const accepted = lines.length - results.length;
    const status = results.length === 0 ? 202 : accepted === 0 ? 422 : 207;
    return Response.json({ accepted, rejected: results.length, results }, { status });
  };

  /** Types that begin with `bad` are refused. An id stands for the first content it came with. */
  #take(line: string, index: number): readonly object[] {
    const { id, type } = JSON.parse(line) as Sent;
    this.seen.push(id);
    if (type.startsWith("bad")) {
      const errors = [{ pointer: "/type", code: "bad", message: "is bad" }];
      return [
        { index, id, status: "rejected", error: { type: "/problems/invalid-event", errors } },
      ];
    }
    if (this.stored.get(id) === undefined) this.stored.set(id, line);
    else if (this.stored.get(id) !== line) throw new Error(`${id} came again with other content`);
    return [];
  }
}

function textOf({ body, headers }: RequestInit): string {
  const isPacked = new Headers(headers).get("content-encoding") === "gzip";
  return isPacked ? gunzipSync(body as Uint8Array).toString() : (body as string);
}

function refusal({ status, retryAfter }: Exclude<Behaviour, string>): Response {
  const problem = { type: "/problems/test", title: "Refused", status };
  const headers = {
    "Content-Type": "application/problem+json",
    ...(retryAfter !== undefined && { "Retry-After": String(retryAfter) }),
  };
  return new Response(JSON.stringify(problem), { status, headers });
}
