import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By name in lower case; of repeated ones the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection that sends exactly what it is given. */
export class RawConnection {
  readonly socket: Socket;
  #received = "";

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1").setEncoding("latin1");
    this.socket.on("data", (text: string) => (this.#received += text));
    // A reset ends it like a close.
    this.socket.on("error", () => undefined);
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** The next answer; `undefined` where the connection ends without one. `100 Continue` is one too. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const found = readAnswer(this.#received);
      if (found !== undefined) {
        this.#received = found.rest;
        return found.answer;
      }
      if (this.socket.destroyed || this.socket.readableEnded) return undefined;
      await Promise.race([once(this.socket, "data"), once(this.socket, "close")]);
    }
  }

  /** Resolves when the other side has closed it. */
  async closed(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, "close");
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Send bytes on a connection of their own and take the first answer. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  const connection = new RawConnection(port).write(bytes);
  try {
    const answer = await connection.answer();
    if (answer === undefined) throw new Error("the connection ended without an answer");
    return answer;
  } finally {
    connection.end();
  }
}

function readAnswer(text: string): { answer: RawAnswer; rest: string } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const status = Number(line.split(" ")[1]);
  const empty = status < 200 || status === 204 || status === 304;
  const length = empty ? 0 : Number(headers["content-length"] ?? 0);
  const start = end + 4;
  if (text.length < start + length) return undefined;
  const body = Buffer.from(text.slice(start, start + length), "latin1").toString();
  return { answer: { status, headers, body }, rest: text.slice(start + length) };
}
