import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ServiceBroker } from "moleculer";
import { Operations } from "../../../lib/runtime/operations.ts";
import { document } from "../../support/openapi.ts";

let broker: ServiceBroker;
let operations: Operations;
let server: Server;
beforeAll(async () => {
  broker = new ServiceBroker({ logger: false });
  operations = new Operations(broker, ["api-gateway"]);
  server = createServer((request, response) => {
    const answer = request.url === "/health" ? "health" : "ready";
    void operations[answer](request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  operations.close();
  server.close();
  await broker.stop();
});

test.each(["/health", "/health/ready"])(
  "%s of a process that is not ready says when to ask again, as the description tells",
  async (path) => {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    await answer.body?.cancel();
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    const described = document.paths[path]?.["get"]?.responses["503"]?.headers;
    expect(Object.keys(described ?? {})).toContain("Retry-After");
  },
);
