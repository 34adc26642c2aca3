/** One block of Server-Sent Events. */
export interface SseFrame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: unknown;
}

/** A client that reads a stream of Server-Sent Events as the standard says, and keeps what it got. */
export class SseClient {
  readonly frames: SseFrame[] = [];
  lastId: string | undefined;
  retryMs: number | undefined;
  /** Resolves when the answer ends, however. */
  readonly ended: Promise<void>;
  readonly #leaving = new AbortController();

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    const leaving = new AbortController();
    const response = await fetch(url, { headers, signal: leaving.signal });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return new SseClient(response, leaving);
  }

  private constructor(response: Response, leaving: AbortController) {
    this.#leaving = leaving;
    this.ended = this.#read(response.body!).catch(() => undefined);
  }

  /** The frames of events that were stored. */
  get events(): readonly { readonly id: string; readonly type: string }[] {
    return this.frames
      .filter(({ event }) => event === undefined)
      .map(({ data }) => data as { id: string; type: string });
  }

  named(event: string): readonly unknown[] {
    return this.frames.filter((frame) => frame.event === event).map(({ data }) => data);
  }

  leave(): void {
    this.#leaving.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      blocks.forEach((block) => this.#take(block));
    }
  }

  #take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const [, name = "", value = ""] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
      if (name !== "") fields.set(name, value);
    }
    this.lastId = fields.get("id") ?? this.lastId;
    if (fields.has("retry")) this.retryMs = Number(fields.get("retry"));
    const data = fields.get("data");
    if (data === undefined) return;
    this.frames.push({ id: fields.get("id"), event: fields.get("event"), data: JSON.parse(data) });
  }
}
