import { ProblemError } from "../../../client/src/errors.ts";
import { Http } from "../../../client/src/http.ts";

test.each([
  ['{"errors":{"base":["no"]}}', {}],
  ['{"errors":"bad","title":"Go away"}', { title: "Go away" }],
  ['{"errors":[null,"x",{"message":"no"}],"detail":["a"]}', { errors: [] }],
  ['{"type":null,"title":7,"instance":{}}', {}],
  ["null", {}],
  ['["type"]', {}],
  ['"type"', {}],
  [
    '{"type":"/problems/forbidden","errors":[{"pointer":"/a","code":"c","message":"m"}],"more":1}',
    { type: "/problems/forbidden", errors: [{ pointer: "/a", code: "c", message: "m" }], more: 1 },
  ],
])(
  "a refusal keeps its status and its wait, whatever JSON a proxy sends: %s",
  async (text, read) => {
    const headers = { "Content-Type": "application/json", "Retry-After": "7" };
    const fetch = () =>
      Promise.resolve(new Response(text, { status: 403, statusText: "Forbidden", headers }));
    const http = new Http({ url: "http://proxy.test", fetch, timeoutMs: 10_000, retries: 0 });
    const error: unknown = await http.ask({ path: "/p" }).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(ProblemError);
    const unknown = { type: "about:blank", title: "Forbidden", instance: "/p", requestId: "" };
    expect(error).toMatchObject({ status: 403, retryAfterMs: 7_000 });
    expect((error as ProblemError).problem).toEqual({ ...unknown, status: 403, ...read });
  },
);

test("requests that outlive a page never take more room than browsers give", async () => {
  const kept: boolean[] = [];
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const fetch = async (_url: unknown, { keepalive = false }: RequestInit = {}) => {
    kept.push(keepalive);
    await answered;
    return Response.json({});
  };
  const http = new Http({ url: "http://room.test", fetch, timeoutMs: 10_000, retries: 0 });
  const send = (bytes: number) => http.ask({ path: "/", body: "x".repeat(bytes), keepalive: true });
  const first = [send(40_000), send(30_000), send(15_000), send(5_000), send(1)];
  expect(kept).toEqual([true, false, true, true, false]);
  expect(http.keepaliveRoom).toBe(0);
  answer();
  await Promise.all(first);
  expect(http.keepaliveRoom).toBe(60_000);
  await Promise.all([send(60_000), http.ask({ path: "/", body: "x" })]);
  expect(kept.slice(5)).toEqual([true, false]);
});

test("a key that no header can carry is refused at once, and not shown", () => {
  const fetch = () => Promise.reject(new Error("sent"));
  const options = { url: "http://key.test", fetch, timeoutMs: 10_000, retries: 0 };
  for (const key of ["secret\nkey", "sécret", "secret key", "secret\u0000"]) {
    expect(() => new Http({ ...options, key })).toThrow(TypeError);
    expect(() => new Http({ ...options, key })).not.toThrow(/secret|sécret/);
  }
  for (const key of ["", "secret", "secret\n"]) new Http({ ...options, key });
});
