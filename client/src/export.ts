import type { PublicEvent, Reason } from "./answers.ts";
import { AnalyticsError, ConnectionError } from "./errors.ts";
import type { Http } from "./http.ts";

/** A stream of events: take it once, in one of its two forms. */
export interface Export {
  /** RFC 3339: every event that was accepted before is in the export. */
  readonly asOf: string;
  /**
   * Why events may be missing from the export, sorted: `damaged` (they cannot be read), `erasing`
   * (an erasure is under way), `retention` (they were dropped). Empty where it has every event.
   */
  readonly because: readonly Reason[];
  /**
   * The text as it arrives, in pieces of any size.
   * @throws ConnectionError where the stream was cut: it is not whole then
   */
  text(): AsyncIterable<string>;
  /** The events of an NDJSON export; with `fields` each has its id and those. */
  events(): AsyncIterable<PublicEvent>;
}

export async function exported(http: Http, path: string, signal?: AbortSignal): Promise<Export> {
  const { body, headers } = await http.open({ path, signal });
  const text = () => textOf(body, signal);
  return {
    asOf: headers.get("as-of") ?? "",
    because: reasonsOf(headers.get("because") ?? ""),
    text,
    events: () => eventsOf(text()),
  };
}

/** Reads the list in a header; a later version of the service may have other reasons. */
function reasonsOf(list: string): readonly Reason[] {
  return list.split(", ").filter((reason) => reason !== "") as Reason[];
}

async function* textOf(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const text = decoder.decode(value, { stream: !done });
      if (text !== "") yield text;
      if (done) return;
    }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (error instanceof AnalyticsError) throw error;
    throw new ConnectionError("the export was cut: it is not whole", { cause: error });
  } finally {
    // Cancelling tells the service that the caller stops reading.
    void reader.cancel().catch(() => undefined);
  }
}

async function* eventsOf(text: AsyncIterable<string>): AsyncGenerator<PublicEvent, void> {
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line !== "") yield JSON.parse(line) as PublicEvent;
  }
  if (rest !== "") yield JSON.parse(rest) as PublicEvent;
}
