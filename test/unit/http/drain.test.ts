import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { OpenConnections } from "../../../lib/http/drain.ts";
import { RawConnection } from "../../raw-http.ts";

/** Longer than a test may take: a drain that ends sooner did not wait for it. */
const forEverMs = 600_000;
const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

let server: Server;
let open: OpenConnections;
let port: number;
let responses: ServerResponse[];

beforeEach(async () => {
  responses = [];
  server = createServer((_request, response) => responses.push(response));
  open = new OpenConnections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => server.closeAllConnections());

async function asked(): Promise<{ client: RawConnection; response: ServerResponse }> {
  const client = new RawConnection(port);
  const came = once(server, "request");
  client.write(request);
  await came;
  return { client, response: responses.at(-1)! };
}

test("requests under way are answered, and their connections end with the answer", async () => {
  const { client, response } = await asked();
  const drained = open.drain(forEverMs);
  response.end("late");
  expect(await client.answer()).toMatchObject({
    status: 200,
    headers: { connection: "close" },
    body: "late",
  });
  await drained;
  await client.closed();
});

test("an answer that has begun is sent to its end, then its connection ends", async () => {
  const { client, response } = await asked();
  response.writeHead(200, { "content-length": "10" }).write("first");
  const drained = open.drain(forEverMs);
  response.end("after");
  expect(await client.answer()).toMatchObject({ status: 200, body: "firstafter" });
  await drained;
  await client.closed();
});

test("connections without a request are closed: a silent one, one kept alive, and one with half a request", async () => {
  const silent = new RawConnection(port);
  await once(server, "connection");
  const half = new RawConnection(port).write("GET / HT");
  await once(server, "connection");
  const { client: kept, response } = await asked();
  response.end("early");
  await kept.answer();
  await open.drain(forEverMs);
  await Promise.all([silent, half, kept].map((client) => client.closed()));
});

test("what is not answered in time is cut", async () => {
  const { client } = await asked();
  await open.drain(100);
  expect(await client.answer()).toBeUndefined();
});
