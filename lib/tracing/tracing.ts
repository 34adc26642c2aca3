import type { EventStore } from "../store/store.ts";

/** The place of a span: a `traceparent` of W3C Trace Context, version 00. */
export type Traceparent = string;

/** The parts of a traceparent. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a traceparent by W3C Trace Context: of a later version the parts of 00; `undefined` for ids
 * of zeros, version ff and anything else.
 */
export function readTraceparent(text: string | undefined): SpanPlace | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] = form.exec(text ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

export function writeTraceparent({ traceId, spanId, traceFlags }: SpanPlace): Traceparent {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

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

/** The store's verbs for the steps of a batch. */
const steps = new Set<PropertyKey>(["keepWhole", "append", "putDeltas", "markDirty"]);

/**
 * Wraps a store so that each step of a batch is a span; returns the store itself where the batch is
 * not traced.
 */
export function tracedStore<Store extends EventStore>(
  store: Store,
  tracing: Tracing,
  parent: Traceparent | undefined,
): Store {
  if (parent === undefined) return store;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = (value as (...args: readonly unknown[]) => Promise<unknown>).bind(target);
      if (!steps.has(name)) return method;
      return (...args: readonly unknown[]) =>
        tracing.run(`store ${String(name)}`, { parent }, () => method(...args));
    },
  });
}
