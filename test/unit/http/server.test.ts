import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceError } from "../../../lib/errors.ts";
import { Bodies } from "../../../lib/concurrency/held-bytes.ts";
import { readBody } from "../../../lib/http/body.ts";
import { answerEarly } from "../../../lib/http/sending.ts";
import { readConfig } from "../../../lib/config.ts";
import { problemOf } from "../../../lib/http/problem.ts";
import { httpServer } from "../../../lib/http/server.ts";
import { exchange, RawConnection, type RawAnswer } from "../../raw-http.ts";

const variables: Readonly<Record<string, string>> = {
  HTTP_HEADERS_TIMEOUT_MS: "200",
  HTTP_REQUEST_TIMEOUT_MS: "400",
  HTTP_MAX_HEADERS: "20",
  HTTP_MAX_URL_BYTES: "1000",
};
const limits = readConfig(variables).http;
const bodies = new Bodies(limits);
afterAll(() => bodies.close());
const bodyLimits = { wireBytes: 1_000, inflatedBytes: 1_000 };

let server: Server;
let port: number;
let paths: string[];
/** Of each request that was refused: whether it had an answer before. */
let refusals: boolean[];

async function open(localOnly: boolean): Promise<void> {
  paths = [];
  refusals = [];
  server = httpServer(limits, localOnly, {
    receive: (request, response) => void answer(request, response),
    refuse,
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
}

/** Echoes the path and the body, late enough for a pipelined request to be read meanwhile. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  paths.push(request.url ?? "");
  try {
    const body =
      request.method === "POST" ? await readBody(request, bodyLimits, bodies.hold("test")) : "";
    await new Promise(setImmediate);
    const payload = `${request.url} ${body.toString()}`;
    response.writeHead(200, { "content-length": String(Buffer.byteLength(payload)) }).end(payload);
  } catch (error) {
    if (!response.headersSent) refuse(request, response, error as ServiceError);
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, error: ServiceError): void {
  refusals.push(response.headersSent);
  if (response.headersSent) return;
  const requestId = String(request.headers["x-request-id"]);
  const { status, headers, body } = problemOf(error, { instance: "/", requestId });
  response.setHeader("X-Request-Id", requestId);
  void answerEarly(request, response, { status, headers, body: JSON.stringify(body) });
}

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

function expectProblem({ status, headers, body }: RawAnswer, expected: number): void {
  expect([status, headers["content-type"]]).toEqual([expected, "application/problem+json"]);
  const problem = JSON.parse(body) as { status: number; requestId: string };
  expect(problem.status).toBe(expected);
  expect(problem.requestId).toBe(headers["x-request-id"]);
  expect(headers).toMatchObject({
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
}

describe("what is no request is a problem with a request's id", () => {
  beforeEach(() => open(false));

  test.each([
    ["noise", "\x16\x03\x01\x02\x00\r\n\r\n", 400],
    ["a method nobody knows", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501],
    ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["two Hosts in other case", "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", 400],
    ["a Host that is none", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
    [
      "two types of content",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n",
      400,
    ],
    ["a folded header", "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400],
    ["a space before a colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
    ["a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["a target that is no path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["an asterisk of GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["an absolute target without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["an absolute target with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["letters that are not percent-encoded", "GET /?a=\xfc HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
      400,
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "another transfer coding",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\na",
      400,
    ],
    [
      "a chunk that is none",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      400,
    ],
    ["a target of 2,000 bytes", `GET /${"a".repeat(2_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ["a target of 20,000 bytes", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    [
      "a header of 20,000 bytes",
      `GET / HTTP/1.1\r\nHost: a\r\nA: ${"a".repeat(20_000)}\r\n\r\n`,
      431,
    ],
    ["21 headers", `GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(20)}\r\n`, 431],
    ["3,000 empty headers", `GET / HTTP/1.1\r\n${"A:\r\n".repeat(3_000)}Host: a\r\n\r\n`, 431],
    ["another expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417],
    [
      "the extension of a chunk",
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;${"a".repeat(20_000)}\r\n`,
      413,
    ],
    ["a head that does not come", "GET / HTTP/1.1\r\nHost: a\r\n", 408],
    ["a body that does not come", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 408],
  ])("%s", async (_name, bytes, status) => {
    const connection = new RawConnection(port).write(Buffer.from(bytes, "latin1"));
    const received = await connection.answer();
    expectProblem(received!, status);
    connection.end();
  });

  test("the connection is closed, also where the client goes on", async () => {
    const connection = new RawConnection(port).write("BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await connection.answer())?.headers["connection"]).toBe("close");
    connection.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await connection.answer()).toBeUndefined();
    await connection.closed();
    expect(paths).toEqual([]);
  });

  test.each([
    ["ends", (connection: RawConnection) => connection.socket.end()],
    ["breaks off", (connection: RawConnection) => connection.socket.resetAndDestroy()],
    ["goes on with what is none", (connection: RawConnection) => connection.write("zz\r\n")],
  ])("a body that %s after its request was refused is refused no more", async (_, leave) => {
    const chunked = "Transfer-Encoding: chunked\r\n\r\n400\r\n";
    const head = `POST / HTTP/1.1\r\nHost: a\r\n${chunked}${"x".repeat(1_024)}\r\n`;
    const connection = new RawConnection(port).write(head);
    expectProblem((await connection.answer())!, 413);
    leave(connection);
    await connection.closed();
    expect((await exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(200);
    expect(refusals).toEqual([false]);
  });

  test("requests before a broken one on the same connection are answered first", async () => {
    const good = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    const connection = new RawConnection(port).write(`${good}BREW / HTTP/1.1\r\n\r\n`);
    expect((await connection.answer())?.body).toBe("/1 ");
    expect((await connection.answer())?.body).toBe("/2 ");
    expectProblem((await connection.answer())!, 501);
    await connection.closed();
  });

  test("a head of a sender's own id is answered with it", async () => {
    const bytes = "GET /a#b HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n";
    expect((await exchange(port, bytes)).headers["x-request-id"]).toBe("mine-1");
  });
});

describe("what is one", () => {
  beforeEach(() => open(false));

  test.each([
    ["a path", "/a?b=c", "/a?b=c"],
    ["an absolute target, whose host counts", "http://other:1/a?b", "/a?b"],
    ["an absolute target in capitals", "HTTP://other/a", "/a"],
    ["an absolute target without a path", "http://other", "/"],
    ["an absolute target with a query alone", "http://other?a=1", "/?a=1"],
  ])("%s is taken", async (_name, target, path) => {
    const { status } = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect([status, paths]).toEqual([200, [path]]);
  });

  test("HTTP/1.0 needs no Host", async () => {
    expect((await exchange(port, "GET / HTTP/1.0\r\n\r\n")).status).toBe(200);
  });

  test("who waits to be asked for the body is asked once it is wanted", async () => {
    const head = "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    const connection = new RawConnection(port).write(`${head}Content-Length: 2\r\n\r\n`);
    expect((await connection.answer())?.status).toBe(100);
    connection.write("hi");
    expect((await connection.answer())?.body).toBe("/a hi");
    connection.end();
  });

  test("who waits and would send too much is refused and not asked", async () => {
    const head = "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    const connection = new RawConnection(port).write(`${head}Content-Length: 2000\r\n\r\n`);
    const received = await connection.answer();
    expectProblem(received!, 413);
    expect(received?.headers["connection"]).toBe("close");
    await connection.closed();
  });
});

describe("a service for this machine alone", () => {
  beforeEach(() => open(true));

  test.each(["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:4000", "[::1]:80", "[::1]"])(
    "answers as %s",
    async (host) => {
      expect((await exchange(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "0.0.0.0",
    "localhost:80.evil.example",
    "",
  ])("does not as %s", async (host) => {
    const { status } = await exchange(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(status).toBe(host === "localhost:80.evil.example" ? 400 : 421);
  });

  test("the host of an absolute target counts, not the header", async () => {
    const asked = (target: string, host: string) =>
      exchange(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect((await asked("http://evil.example/", "localhost")).status).toBe(421);
    expect((await asked("http://localhost/", "evil.example")).status).toBe(200);
  });
});
