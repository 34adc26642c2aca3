import type { Traceparent } from "./traceparent.ts";

export type SpanKind = "server" | "internal" | "producer" | "consumer";
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Work that is told of in a trace. */
export interface OpenSpan {
  /** For work within this one, here or elsewhere; `undefined` where nothing is traced. */
  readonly traceparent: Traceparent | undefined;
  set(attributes: Attributes): void;
  /** @param error what the work failed with; its message stays here, only its type is told */
  end(error?: unknown): void;
}

export interface SpanStart {
  readonly kind?: SpanKind;
  /** What the work is within; one that is none begins a trace. */
  readonly parent?: Traceparent | undefined;
  /** Other work that this is done for too. */
  readonly links?: readonly Traceparent[];
  readonly attributes?: Attributes;
}

/** What sends spans away. */
export interface SpanMaker {
  start(name: string, start: SpanStart): OpenSpan;
  /** Sends what has ended. Never rejects. */
  close(): Promise<void>;
}

const noSpan: OpenSpan = { traceparent: undefined, set: () => undefined, end: () => undefined };

/** The traces of one broker: nothing, and free, until it is given what makes spans. */
export class Tracing {
  maker: SpanMaker | undefined;

  get isOn(): boolean {
    return this.maker !== undefined;
  }

  start(name: string, start: SpanStart = {}): OpenSpan {
    return this.maker?.start(name, start) ?? noSpan;
  }

  /** Work as one span; `null`: it is not told of. */
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
