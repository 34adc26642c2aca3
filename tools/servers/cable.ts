import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Transform } from "node:stream";

/** A proxy between a client and a server that a test can cut, restore and disturb. */
export interface Cable {
  /** The server's URL with this end of the cable in place of its host and port. */
  readonly url: string;
  /** Ends all connections, as the death of the client's process would, and refuses new ones. */
  pull(): void;
  /**
   * Drops everything that is sent, in both directions: connections stay open, new ones too, and
   * nothing arrives.
   */
  swallow(): void;
  /** How many bytes were dropped. */
  readonly swallowedBytes: number;
  /** Delays each piece of up to 64 KiB by so many milliseconds. */
  slow(delayMs: number): void;
  /**
   * Restores the connection. Connections that lost data end, as they do when nothing is
   * acknowledged.
   */
  plugIn(): void;
  /** Ends it for good. May be repeated. */
  remove(): Promise<void>;
}

/** Lays a cable to the server of a URL that names a host and a port. */
export async function layCable(serverUrl: string): Promise<Cable> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const damaged = new Set<Socket>();
  let state: "plugged" | "pulled" | "swallowing" = "plugged";
  let delayMs = 0;
  let swallowedBytes = 0;
  const wire = (from: Socket) =>
    new Transform({
      transform(piece: Buffer, _encoding, done) {
        if (state === "swallowing") {
          damaged.add(from);
          swallowedBytes += piece.byteLength;
          done();
        } else if (delayMs > 0) setTimeout(() => done(null, piece), delayMs);
        else done(null, piece);
      },
    });
  const join = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.setNoDelay(true);
    from.pipe(wire(from)).pipe(to);
    from.on("error", () => to.destroy());
    from.once("close", () => {
      sockets.delete(from);
      damaged.delete(from);
      to.destroy();
    });
  };
  const listener = createServer((near) => {
    if (state === "pulled") {
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
    state = "pulled";
    for (const socket of sockets) socket.destroy();
  };
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return {
    url: url.href,
    pull,
    swallow: () => {
      state = "swallowing";
    },
    get swallowedBytes() {
      return swallowedBytes;
    },
    slow: (ms) => {
      delayMs = ms;
    },
    plugIn: () => {
      state = "plugged";
      delayMs = 0;
      for (const socket of damaged) socket.resetAndDestroy();
    },
    async remove() {
      pull();
      if (!listener.listening) return;
      listener.close();
      await once(listener, "close");
    },
  };
}
