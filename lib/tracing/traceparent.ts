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
