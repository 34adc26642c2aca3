import { jest } from "@jest/globals";
import { AnalyticsClient, ProblemError, type StreamItem } from "../../../client/src/index.ts";

const url = "http://stream.test";

/** What one connection brings, piece by piece, and how it ends. */
interface Connection {
  readonly status?: number;
  readonly pieces?: readonly string[];
  readonly end?: "closed" | "cut" | "silent";
}

/** A service that streams: each connection as it is told, and no more (204) after the last one. */
function streaming(connections: readonly Connection[]) {
  const asked: { readonly path: string; readonly from: string | null }[] = [];
  const left: number[] = [];
  const fetch = async (address: unknown, init: RequestInit = {}): Promise<Response> => {
    const number = asked.length;
    const { pathname, search } = new URL(address as string);
    asked.push({ path: pathname + search, from: new Headers(init.headers).get("last-event-id") });
    const { status = 200, pieces = [], end = "closed" } = connections[number] ?? { status: 204 };
    if (status === 204) return new Response(null, { status });
    if (status !== 200) {
      const problem = { type: "/problems/overloaded", title: "Busy", status };
      const headers = { "Content-Type": "application/problem+json", "Retry-After": "0" };
      return new Response(JSON.stringify(problem), { status, headers });
    }
    const waiting = pieces.map((piece) => new TextEncoder().encode(piece));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = waiting.shift();
        if (next !== undefined) controller.enqueue(next);
        else if (end === "closed") controller.close();
        else if (end === "cut") controller.error(new Error("reset"));
        else return new Promise<void>(() => undefined);
        return undefined;
      },
      cancel: () => void left.push(number),
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };
  const client = new AnalyticsClient({ url, fetch });
  return { client, asked, left };
}

const frame = (id: string) => `id: ${id}\ndata: {"id":"event-${id}","type":"t"}\n\n`;
const shown = (item: StreamItem) =>
  item.kind === "event" ? item.event.id : `missed ${item.missed.count} (${item.missed.because})`;

test("a stream goes on behind the last place that was told, whatever ends a connection", async () => {
  const { client, asked } = streaming([
    // The second event is cut within its frame, after its id: it has not come.
    { pieces: ["retry: 1\n\n", frame("a"), 'id: b\ndata: {"id":"ev'], end: "cut" },
    // A beat tells a place without data; the service says that it ends.
    { pieces: ["id: c\n: beat\n\n", 'event: end\ndata: {"because":"shutdown","retryMs":1}\n\n'] },
    { status: 503 },
    { pieces: ['event: missed\nid: d\ndata: {"count":3,"exact":true,"because":"rate"}\n\n'] },
    {
      pieces: [
        ": beat\n\n",
        "event: later\ndata: {}\n\n",
        frame("e").slice(0, 9),
        frame("e").slice(9),
      ],
    },
  ]);
  const items: string[] = [];
  const stream = client.stream({ type: "t", "data.plan": "pro" }, { lastEventId: "0" });
  for await (const item of stream) items.push(shown(item));
  expect(items).toEqual(["event-a", "missed 3 (rate)", "event-e"]);
  expect(asked.map(({ from }) => from)).toEqual(["0", "a", "c", "c", "d", "e"]);
  expect(asked[0]!.path).toBe("/api/v1/events/stream?type=t&data.plan=pro");
});

test("a connection that brings nothing for too long is made again", async () => {
  const { client, asked, left } = streaming([
    { pieces: [`retry: 1\n\n${frame("a")}`], end: "silent" },
    { pieces: [frame("b")] },
  ]);
  const items: string[] = [];
  for await (const item of client.stream({}, { silenceMs: 20 })) items.push(shown(item));
  expect(items).toEqual(["event-a", "event-b"]);
  expect(asked.map(({ from }) => from)).toEqual([null, "a", "b"]);
  expect(left).toEqual([0]);
});

test("without a bound on silence a connection that brings nothing stays", async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] });
  try {
    const { client, asked } = streaming([{ pieces: [frame("a")], end: "silent" }]);
    const leave = new AbortController();
    const options = { silenceMs: Infinity, signal: leave.signal };
    const items = client.stream({}, options)[Symbol.asyncIterator]();
    expect((await items.next()).value).toMatchObject({ id: "a" });
    const next = items.next();
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(asked.length).toBe(1);
    leave.abort(new Error("left"));
    await expect(next).rejects.toThrow("left");
  } finally {
    jest.useRealTimers();
  }
});

test("whoever takes no more closes the connection, and an abort ends the wait", async () => {
  const silent = { pieces: [frame("a"), frame("b")], end: "silent" } as const;
  const { client, left } = streaming([silent, silent]);
  for await (const item of client.stream()) {
    expect(shown(item)).toBe("event-a");
    break;
  }
  expect(left).toEqual([0]);
  const leave = new AbortController();
  const taking = (async () => {
    for await (const { kind } of client.stream({}, { signal: leave.signal })) {
      if (kind === "event") leave.abort(new Error("left"));
    }
  })();
  await expect(taking).rejects.toThrow("left");
});

test("what is refused for good is thrown", async () => {
  const { client } = streaming([{ status: 400 }]);
  const taking = (async () => {
    for await (const _ of client.live()) throw new Error("nothing can come");
  })();
  await expect(taking).rejects.toBeInstanceOf(ProblemError);
});

test("live brings the minute before, then each second", async () => {
  const second = {
    time: "t",
    events: { perSecond: 2, types: [] },
    asOf: "t",
    lagMs: 1,
    stages: [],
  };
  const { client, asked } = streaming([
    {
      pieces: [
        'event: past\ndata: {"time":"t","perSecond":[1,2]}\n\n',
        `data: ${JSON.stringify({ ...second, activeUsers: null })}\n\n`,
      ],
      end: "silent",
    },
  ]);
  const items: unknown[] = [];
  for await (const item of client.live()) {
    items.push(item);
    if (item.kind === "second") break;
  }
  expect(items).toEqual([
    { kind: "past", past: { time: "t", perSecond: [1, 2] } },
    { kind: "second", second: { ...second, activeUsers: null } },
  ]);
  expect(asked).toEqual([{ path: "/api/v1/live", from: null }]);
});
