/**
 * Clients of one stream of events, in a process of its own: so they cost the measuring process
 * nothing. Takes a `LiveRequest` as its message and sends `LiveTold` once all are connected, and
 * again for each message after it. Ends with its parent.
 */
import { request, type IncomingMessage } from "node:http";

export interface LiveRequest {
  readonly url: string;
  readonly clients: number;
}

/** What each client got so far. */
export interface LiveTold {
  /** Events, each in a frame. */
  readonly events: readonly number[];
  /** Events that it was told that it missed. */
  readonly missed: readonly number[];
  /** How many answers have ended. */
  readonly ended: number;
}

/** Counts the blocks of one stream, without reading what is in those of events. */
class Counted {
  events = 0;
  missed = 0;
  #rest = "";

  take(chunk: Buffer): void {
    const text = this.#rest + chunk.toString("latin1");
    let at = 0;
    for (;;) {
      const end = text.indexOf("\n\n", at);
      if (end < 0) break;
      if (text.startsWith("event: missed\n", at)) {
        this.missed += Number(/"count":(\d+)/.exec(text.slice(at, end))?.[1] ?? NaN);
      } else if (text.startsWith("id: ", at)) this.events += 1;
      at = end + 2;
    }
    this.#rest = text.slice(at);
  }
}

process.once("disconnect", () => process.exit());
process.once("message", (message) => void listen(message as LiveRequest));

async function listen({ url, clients }: LiveRequest): Promise<void> {
  const all: Counted[] = [];
  let ended = 0;
  for (let client = 0; client < clients; client++) {
    const counted = new Counted();
    all.push(counted);
    const response = await opened(url);
    response.on("data", (chunk: Buffer) => counted.take(chunk));
    response.on("error", () => undefined).on("close", () => ended++);
  }
  const tell = () =>
    process.send?.({
      events: all.map(({ events }) => events),
      missed: all.map(({ missed }) => missed),
      ended,
    } satisfies LiveTold);
  process.on("message", tell);
  tell();
}

function opened(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const opening = request(url, { agent: false }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`a stream was answered ${response.statusCode}`));
    });
    opening.on("error", reject).end();
  });
}
