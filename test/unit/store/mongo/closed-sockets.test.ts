import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { mendClosedSockets } from "../../../../lib/store/mongo/closed-sockets.ts";

interface Driver {
  readonly Connection: new (
    socket: Socket,
    options: object,
  ) => { command(ns: object, command: object, options: object): Promise<unknown> };
}

test("a command on a socket that was destroyed, but has not said so yet, fails", async () => {
  mendClosedSockets();
  const require = createRequire(import.meta.url);
  const { Connection } = require("mongodb/lib/cmap/connection.js") as Driver;
  const server = createServer().listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const connection = new Connection(socket, { id: 1, generation: 0 });
  socket.destroy();
  const answer = connection.command({ db: "admin" }, { hello: 1 }, { socketTimeoutMS: 100 });
  await expect(answer).rejects.toThrow("connection 1 to 127.0.0.1");
});
