import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A cable between a client and a server that a test can pull out and put back. */
export interface Cable {
  /** The server's URL with this end of the cable in place of its host and port. */
  readonly url: string;
  /** End all connections, as the death of the client's process would, and take no new ones. */
  pull(): void;
  plugIn(): void;
  /** End it for good. May be repeated. */
  remove(): Promise<void>;
}

/** Lay a cable to the server behind a URL that names a host and a port. */
export async function layCable(serverUrl: string): Promise<Cable> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let plugged = true;
  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.setNoDelay(true);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.once("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const listener = createServer((near) => {
    if (!plugged) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    join(near, far);
    join(far, near);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const pull = () => {
    plugged = false;
    for (const socket of sockets) socket.destroy();
  };
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return {
    url: url.href,
    pull,
    plugIn: () => {
      plugged = true;
    },
    async remove() {
      pull();
      if (!listener.listening) return;
      listener.close();
      await once(listener, "close");
    },
  };
}
