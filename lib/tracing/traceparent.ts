/** Where a span stands: a `traceparent` of W3C Trace Context, version 00. */
export type Traceparent = string;

/** The parts of a traceparent. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Read a traceparent as W3C Trace Context has it: a version after 00 is read as far as 00 goes; ids
 * of zeros, version ff and anything else are none.
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
