import { Http } from "../../../client/src/http.ts";

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
