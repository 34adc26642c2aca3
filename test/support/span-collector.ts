import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as OTLP has it in JSON. */
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

/** Takes what OpenTelemetry's exporters send over OTLP/HTTP as JSON. */
export class SpanCollector {
  readonly spans: OtlpSpan[] = [];
  readonly #server: Server;

  static async listen(): Promise<SpanCollector> {
    const collector = new SpanCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as {
          resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
        };
        for (const { scopeSpans } of resourceSpans)
          for (const { spans } of scopeSpans) this.spans.push(...spans);
        response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * A trace's spans, each by its name with its parent's name; what comes from outside has no
   * parent's name.
   */
  tree(traceId: string): Readonly<Record<string, string | undefined>> {
    const spans = this.spans.filter((span) => span.traceId === traceId);
    const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
    return Object.fromEntries(
      spans.map(({ name, parentSpanId }) => [name, names.get(parentSpanId ?? "")]),
    );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
