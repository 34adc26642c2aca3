import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { sendPages } from "../../../lib/http/sending.ts";
import { eventually } from "../../support/eventually.ts";

const page = "x".repeat(65_536);
let asked = 0;
let ended = false;
let outcome: Promise<unknown>;
let server: Server;
let pages: () => AsyncGenerator<string, void>;

async function* counted(count: number): AsyncGenerator<string, void> {
  try {
    for (; asked < count; asked += 1) yield page;
  } finally {
    ended = true;
  }
}

async function* failing(): AsyncGenerator<string, void> {
  yield page;
  throw new Error("the store is away");
}

beforeEach(async () => {
  [asked, ended] = [0, false];
  server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    outcome = sendPages(request, response, pages()).then(
      () => "sent",
      (error: unknown) => error,
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const portOf = () => (server.address() as AddressInfo).port;

function ask(version = "1.1"): Socket {
  const socket = connect(portOf(), "127.0.0.1");
  socket.write(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
  return socket;
}

/** Waits until the number of pages asked for no longer changes. */
async function settled(): Promise<number> {
  let last = -1;
  await eventually(async () => {
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    last = asked;
    expect(last).toBe(before);
    expect(last).toBeGreaterThan(0);
  });
  return last;
}

test("all pages arrive, in order", async () => {
  pages = () => counted(50);
  const response = await fetch(`http://127.0.0.1:${portOf()}`);
  expect((await response.text()).length).toBe(50 * page.length);
  expect(await outcome).toBe("sent");
});

test("a client that takes nothing is asked for, and one that leaves ends the asking", async () => {
  pages = () => counted(Infinity);
  const socket = ask();
  socket.pause();
  const before = await settled();
  // What the kernel's buffers hold, and little more.
  expect(before * page.length).toBeLessThan(32 * 1_048_576);
  let taken = 0;
  socket.on("data", (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > 2 * before * page.length) socket.destroy();
  });
  socket.resume();
  await eventually(() => Promise.resolve(expect(ended).toBe(true)));
  expect(asked).toBeGreaterThan(before);
  expect(await outcome).toBe("sent");
});

test.each(["1.1", "1.0"])("a page that fails is seen by a client of HTTP/%s", async (version) => {
  pages = failing;
  const socket = ask(version).resume();
  const [error] = (await once(socket, "error").catch((reason: unknown) => [reason])) as [
    NodeJS.ErrnoException,
  ];
  expect(error.code).toBe("ECONNRESET");
  expect(await outcome).toEqual(new Error("the store is away"));
});

test("fetch rejects where a page fails", async () => {
  pages = failing;
  const whole = fetch(`http://127.0.0.1:${portOf()}`).then((response) => response.text());
  await expect(whole).rejects.toMatchObject({ name: "TypeError" });
});
