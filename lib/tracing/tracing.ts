import type { Traceparent } from "./traceparent.ts";

export type SpanKind = "server" | "internal" | "producer" | "consumer";
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Work that is being traced. */
export interface OpenSpan {
  /** The traceparent for nested work, here or elsewhere; `undefined` where nothing is traced. */
  readonly traceparent: Traceparent | undefined;
  set(attributes: Attributes): void;
  /** @param error the error of the work; only its type is sent, its message is not */
  end(error?: unknown): void;
}

export interface SpanStart {
  readonly kind?: SpanKind;
  /** The traceparent of the enclosing work; an invalid one begins a trace. */
  readonly parent?: Traceparent | undefined;
  /** Other work that this also serves. */
  readonly links?: readonly Traceparent[];
  readonly attributes?: Attributes;
}

/** Makes spans and sends them. */
export interface SpanMaker {
  start(name: string, start: SpanStart): OpenSpan;
  /** Sends all ended spans. Never rejects. */
  close(): Promise<void>;
}

const noSpan: OpenSpan = { traceparent: undefined, set: () => undefined, end: () => undefined };

/** The traces of one broker: they cost nothing until `use` gives a maker of spans. */
export class Tracing {
  maker: SpanMaker | undefined;

  get isOn(): boolean {
    return this.maker !== undefined;
  }

  start(name: string, start: SpanStart = {}): OpenSpan {
    return this.maker?.start(name, start) ?? noSpan;
  }

  /** Runs work as one span; with `null` it is not traced. */
  async run<T>(
    name: string,
    start: SpanStart | null,
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T> {
    if (this.maker === undefined || start === null) return work(noSpan);
    const span = this.maker.start(name, start);
    try {
      const result = await work(span);
      span.end();
      return result;
    } catch (error) {
      span.end(error);
      throw error;
    }
  }
}

const kept = new WeakMap<object, Tracing>();

/** The traces of a broker. */
export function tracingOf(broker: object): Tracing {
  let tracing = kept.get(broker);
  if (tracing === undefined) kept.set(broker, (tracing = new Tracing()));
  return tracing;
}
