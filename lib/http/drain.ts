import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Connection } from "./server.ts";

type OpenSocket = Socket & Connection;

/** How often a server that ends looks at its connections, milliseconds. */
const lookEveryMs = 50;

/** A connection without a request is closed once nothing has come on it for so long, milliseconds. */
const quietMs = 500;

/**
 * Knows the open connections of a server, so that it can end as soon as its requests are answered.
 * Node would wait for connections that are kept alive after their last answer, and for new ones on
 * which no request has come.
 */
export class OpenConnections {
  readonly #server: Server;
  readonly #open = new Set<OpenSocket>();

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (connection: OpenSocket) => {
      this.#open.add(connection);
      connection.once("close", () => this.#open.delete(connection));
    });
  }

  /**
   * Accepts no new connections, and lets requests under way be answered. Requests that come
   * meanwhile on open connections are to be answered with `shouldKeepAlive = false`.
   * @param withinMs the time after which whatever is left is closed
   */
  async drain(withinMs: number): Promise<void> {
    const ended = Promise.withResolvers<void>();
    this.#server.close(() => ended.resolve());
    const received = new Map<OpenSocket, Received>();
    const look = () => {
      for (const connection of this.#open) endWhenAnswered(connection, received);
    };
    look();
    const looking = setInterval(look, lookEveryMs);
    const late = setTimeout(() => ended.resolve(), withinMs);
    await ended.promise;
    clearInterval(looking);
    clearTimeout(late);
    this.#server.closeAllConnections();
  }
}

/** How many bytes a connection without a request has received, and since when no more. */
interface Received {
  readonly bytes: number;
  readonly at: number;
}

function endWhenAnswered(connection: OpenSocket, received: Map<OpenSocket, Received>): void {
  const response = connection._httpMessage;
  if (response) {
    if (!response.headersSent) response.shouldKeepAlive = false;
    received.delete(connection);
    return;
  }
  const now = performance.now();
  const before = received.get(connection);
  if (before?.bytes !== connection.bytesRead) {
    received.set(connection, { bytes: connection.bytesRead, at: now });
  } else if (now - before.at >= quietMs && connection.writableLength === 0) {
    connection.destroy();
  }
}
