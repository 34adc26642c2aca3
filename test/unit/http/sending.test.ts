import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { answerEarly, type Patience } from "../../../lib/http/sending.ts";

const answer = { status: 413, headers: { "content-type": "text/plain" }, body: "too large, ä" };

let server: Server;
let patience: Patience;
let answered = Promise.withResolvers<IncomingMessage>();
let before: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

beforeEach(async () => {
  patience = { sizeBytes: 1_000_000, timeoutMs: 30_000 };
  answered = Promise.withResolvers();
  before = () => undefined;
  server = createServer((request, response) => {
    void (async () => {
      await before(request, response);
      await answerEarly(request, response, answer, patience);
      answered.resolve(request);
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function open(head: string): Socket {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${head}\r\n`);
  return socket;
}

test("a client that sends all before it reads still gets the answer", async () => {
  const socket = open("content-length: 900000\r\n");
  socket.pause();
  for (let sent = 0; sent < 900_000; sent += 100_000) {
    if (!socket.write(Buffer.alloc(100_000))) await once(socket, "drain");
  }
  await answered.promise;
  const received = await text(socket);
  expect(received).toMatch(/^HTTP\/1\.1 413 /);
  expect(received.toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(received).toMatch(/too large, ä$/);
});

test("a client that goes on sending after the answer is not reset", async () => {
  const socket = open("content-length: 900000\r\n").setEncoding("utf8");
  const [received] = (await once(socket, "data")) as [string];
  expect(received).toMatch(/^HTTP\/1\.1 413 /);
  const closed = new Promise<unknown>((resolve) => socket.on("error", resolve).on("end", resolve));
  for (let sent = 0; sent < 900_000; sent += 100_000) {
    await new Promise((resolve) => socket.write(Buffer.alloc(100_000), resolve));
  }
  expect(await closed).toBeUndefined();
  expect((await answered.promise).complete).toBe(true);
});

test("the answer is there before the rest of the body", async () => {
  const socket = open("transfer-encoding: chunked\r\n");
  socket.setEncoding("utf8");
  let received = "";
  while (!received.endsWith(answer.body)) received += ((await once(socket, "data")) as [string])[0];
  expect(received).toContain(`content-length: ${Buffer.byteLength(answer.body)}`);
  socket.end("0\r\n\r\n");
  await answered.promise;
});

test("what comes without end is not taken without end", async () => {
  const socket = open("transfer-encoding: chunked\r\n");
  // The reset that this server's leaving brings is what a flood earns.
  const closed = new Promise((resolve) => socket.on("error", () => undefined).on("close", resolve));
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const flood = () => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on("drain", flood).resume();
  flood();
  await answered.promise;
  await closed;
  expect(socket.bytesWritten).toBeLessThan(50_000_000);
});

test("who sends nothing more is not waited for", async () => {
  patience = { sizeBytes: 1_000_000, timeoutMs: 20 };
  const socket = open("content-length: 900000\r\n");
  expect(await text(socket)).toMatch(/too large, ä$/);
});

test("who leaves meanwhile is not waited for", async () => {
  const socket = open("content-length: 900000\r\n").resume();
  await once(socket, "data");
  socket.destroy();
  await expect(answered.promise).resolves.toBeDefined();
});

test("a connection stays open where little is left to come, or nothing", async () => {
  const socket = open("content-length: 5\r\n").setEncoding("utf8");
  socket.write("hello");
  const [first] = (await once(socket, "data")) as [string];
  expect(first.toLowerCase()).not.toContain("connection: close");
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  const [second] = (await once(socket, "data")) as [string];
  expect(second).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("an answer that was begun is not begun again", async () => {
  before = (_, response) => {
    response.writeHead(200).end("ok");
  };
  const socket = open("connection: close\r\n");
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
  await answered.promise;
});
