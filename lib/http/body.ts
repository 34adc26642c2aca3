import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { ServiceError, type Finding } from "../errors.ts";
import type { Bodies, Hold } from "../concurrency/held-bytes.ts";
import { askForBody } from "./server.ts";
import { isUtf8 } from "buffer";
import { parse } from "content-type";
import { maxNesting } from "../event/limits.ts";
import { isPlainJson, findNotPlain, parseJson } from "../event/plain-json.ts";

/** The most bytes of a body. A body without a content coding must keep to both limits. */
export interface BodyLimits {
  /** The limit of the body as it comes over the wire. */
  readonly wireBytes: number;
  /** The limit after the content coding is taken off. */
  readonly inflatedBytes: number;
}

/**
 * The client left in the middle of its request. Nobody waits for an answer, and nothing is wrong
 * here.
 */
export class RequestAborted extends ServiceError {
  constructor() {
    super("MALFORMED", "The client went away before its body was complete");
  }
}

type Decoder = ReturnType<typeof createGunzip | typeof createBrotliDecompress>;

const codings: ReadonlyMap<string, (first: Uint8Array) => Decoder> = new Map([
  ["gzip", () => createGunzip()],
  ["x-gzip", () => createGunzip()],
  ["deflate", inflater],
  ["br", () => createBrotliDecompress()],
]);

/**
 * Reads a request's body and takes off its content coding (gzip, deflate, br); empty where there is
 * none. Memory stays within the limits: reading stops where one is exceeded, and a small body
 * cannot inflate beyond. It must be called before anyone else reads from the request. It reports
 * its memory to `hold`, which the caller releases once the request is answered.
 * After a rejection the request is paused and may not have been read to its end: answer it with
 * `answerEarly`.
 * @throws ServiceError `TOO_LARGE` with a finding `body_bytes` or `inflated_bytes`,
 *   `UNSUPPORTED_MEDIA_TYPE` for another coding, `MALFORMED` where the coding is broken, cut off or
 *   followed by more, RequestAborted where the client left, `REQUEST_TOO_SLOW`, and what `hold`
 *   throws
 */
export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  hold: Hold,
): Promise<Buffer> {
  const coding = (request.headers["content-encoding"] ?? "").trim().toLowerCase();
  const decoderFor = codings.get(coding);
  if (decoderFor === undefined && coding !== "" && coding !== "identity") {
    throw new ServiceError("UNSUPPORTED_MEDIA_TYPE", "The Content-Encoding is not supported here", {
      acceptEncoding: ["gzip", "deflate", "br"],
    });
  }
  if (Number(request.headers["content-length"]) > limits.wireBytes) throw overWire(limits);
  if (request.destroyed) throw new RequestAborted();
  askForBody(request);
  return decoderFor === undefined
    ? readPlain(request, limits, hold)
    : readCoded(request, decoderFor, limits, hold);
}

function readPlain(request: IncomingMessage, limits: BodyLimits, hold: Hold): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const declared = Number(request.headers["content-length"] ?? NaN);
    const body = new Gathered(hold, declared >= 0 ? declared : limits.inflatedBytes);
    const reader = readChunks(request, hold.bodies, {
      take(chunk) {
        const sizeBytes = body.sizeBytes + chunk.length;
        if (sizeBytes > limits.wireBytes) reader.fail(overWire(limits));
        else if (sizeBytes > limits.inflatedBytes) reader.fail(overInflated(limits));
        else addTo(body, chunk, reader);
      },
      end: () => resolve(body.whole()),
      fail: reject,
    });
  });
}

function readCoded(
  request: IncomingMessage,
  decoderFor: (first: Uint8Array) => Decoder,
  limits: BodyLimits,
  hold: Hold,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const body = new Gathered(hold, limits.inflatedBytes);
    let wireBytes = 0;
    let decoder: Decoder | undefined;
    const broken = (message: string) => reader.fail(new ServiceError("MALFORMED", message));

    const reader = readChunks(request, hold.bodies, {
      take(chunk) {
        wireBytes += chunk.length;
        if (wireBytes > limits.wireBytes) return reader.fail(overWire(limits));
        decoder ??= start(chunk);
        if (decoder.write(chunk)) return;
        request.pause();
        decoder.once("drain", () => request.resume());
      },
      end() {
        if (decoder === undefined) resolve(body.whole());
        else decoder.end();
      },
      fail(error) {
        decoder?.destroy();
        reject(error);
      },
    });

    function start(first: Uint8Array): Decoder {
      const stream = decoderFor(first);
      stream.on("error", () =>
        broken("The body is not what its Content-Encoding says, or cut off"),
      );
      stream.on("data", (chunk: Buffer) => {
        if (body.sizeBytes + chunk.length > limits.inflatedBytes) reader.fail(overInflated(limits));
        else addTo(body, chunk, reader);
      });
      stream.on("end", () => {
        // zlib ignores bytes after the end of the coded stream; this check does not.
        if (stream.bytesWritten === wireBytes) resolve(body.whole());
        else broken("The body goes on after the end of its Content-Encoding");
      });
      return stream;
    }
  });
}

interface ChunkHandler {
  take(chunk: Buffer): void;
  end(): void;
  fail(error: ServiceError): void;
}

interface Reader {
  /**
   * Ends the reading with an error: the request is paused and no more is read. Only the first call
   * counts.
   */
  fail(error: ServiceError): void;
}

/**
 * Gives a request's chunks to a handler, which gets its `end`, or one `fail`, or both in this
 * order.
 */
function readChunks(request: IncomingMessage, bodies: Bodies, handler: ChunkHandler): Reader {
  let ended = false;
  let failed = false;
  const coming = { startedAt: performance.now(), receivedBytes: 0, fail };
  function take(chunk: Buffer): void {
    coming.receivedBytes += chunk.length;
    handler.take(chunk);
  }
  function end(): void {
    ended = true;
    bodies.forget(coming);
    handler.end();
  }
  function leave(): void {
    if (!ended) fail(new RequestAborted());
  }
  function fail(error: ServiceError): void {
    if (failed) return;
    failed = true;
    bodies.forget(coming);
    // The error listener stays: a connection that breaks later needs no handling.
    request.off("data", take).off("end", end).off("close", leave).pause();
    handler.fail(error);
  }
  bodies.watch(coming);
  request.on("data", take).on("end", end).on("close", leave).on("error", leave);
  return { fail };
}

function addTo(body: Gathered, chunk: Buffer, reader: Reader): void {
  try {
    body.add(chunk);
  } catch (error) {
    reader.fail(error as ServiceError);
  }
}

/**
 * Chooses a decoder. `deflate` is the zlib format (RFC 9110, 8.4.1.2), but some clients send the
 * raw one. The first byte decides: a zlib header ends in 8, which in a raw block would be padding
 * that no encoder writes.
 */
function inflater(first: Uint8Array): Decoder {
  return ((first[0] ?? 0) & 0x0f) === 8 ? createInflate() : createInflateRaw();
}

function overWire({ wireBytes }: BodyLimits): ServiceError {
  return tooLarge("body_bytes", `The body may have at most ${wireBytes} bytes`);
}

function overInflated({ inflatedBytes }: BodyLimits): ServiceError {
  return tooLarge("inflated_bytes", `The body may have at most ${inflatedBytes} bytes inflated`);
}

/** The error for an exceeded limit; the finding's code names the limit. */
export function tooLarge(
  limit: "body_bytes" | "inflated_bytes" | "events",
  message: string,
): ServiceError {
  return new ServiceError("TOO_LARGE", message, {
    errors: [{ pointer: "", code: limit, message }],
  });
}

/**
 * The media type of a body, one of the accepted ones. Case and parameters do not matter, but a
 * charset must be UTF-8.
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, which names the accepted types
 */
export function requireMediaType<Accepted extends string>(
  contentType: string | undefined,
  accepted: readonly Accepted[],
): Accepted {
  // Most clients send exactly this text.
  const exact = accepted.find((type) => type === contentType);
  if (exact !== undefined) return exact;
  const { type: given, parameters } = parse(contentType ?? "");
  const type = accepted.find((candidate) => candidate === given);
  if (type === undefined) {
    const trouble = contentType === undefined ? "is missing" : "is not supported here";
    throw unsupported(`The Content-Type ${trouble}; use ${accepted.join(", ")}`, accepted);
  }
  const charset = parameters["charset"]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw unsupported("The charset must be UTF-8", accepted);
  }
  return type;
}

function unsupported(message: string, accept: readonly string[]): ServiceError {
  return new ServiceError("UNSUPPORTED_MEDIA_TYPE", message, { accept });
}

const byteOrderMark = 0xfeff;

/**
 * The text of a body, without a byte order mark.
 * @throws ServiceError `MALFORMED` where it is not UTF-8, or holds nothing but white space
 */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ServiceError("MALFORMED", "The body is not UTF-8");
  const text = bytes.toString();
  const start = text.charCodeAt(0) === byteOrderMark ? 1 : 0;
  if (/^\s*$/.test(text.slice(start, start + 64)) && text.trim() === "") {
    throw new ServiceError("MALFORMED", "The body is empty");
  }
  return start === 0 ? text : text.slice(start);
}

/**
 * The JSON value of a body, of any depth. Own properties may be called `__proto__`; of a repeated
 * name the last value counts. A number beyond a double's range, large or small, is `Infinity` or
 * `-Infinity` (`parseJson`).
 * @throws ServiceError `MALFORMED`
 */
export function jsonOf(bytes: Buffer): unknown {
  const text = textOf(bytes);
  try {
    return parseJson(text);
  } catch (error) {
    throw new ServiceError("MALFORMED", `The body is not JSON: ${syntaxError(error)}`);
  }
}

/**
 * The JSON value of a body that is passed to an action unchanged. Its way to another node must not
 * change it, so that a cluster answers as one process does.
 * @param levels how deep arrays and objects may be nested
 * @throws ServiceError `MALFORMED`; `VALIDATION` where it is nested too deep or has numbers that
 *   would change
 */
export function plainJsonOf(bytes: Buffer, levels = maxNesting): unknown {
  const value = jsonOf(bytes);
  if (isPlainJson(value, levels)) return value;
  const errors: Finding[] = [];
  findNotPlain(value, levels, "", errors);
  throw new ServiceError("VALIDATION", undefined, { errors });
}

/** The parser's message, which may quote some twenty characters of the text. */
export function syntaxError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The size of a buffer that chunks are copied into. */
const leastBytes = 4_096;
const nothing = Buffer.alloc(0);

/**
 * Collects chunks in one buffer, which grows by doubling: a chunk object takes some 200 bytes of
 * its own, however small it is. Most bodies are one chunk, which is not copied.
 */
class Gathered {
  readonly #hold: Hold;
  readonly #mostBytes: number;
  #buffer: Buffer = nothing;
  sizeBytes = 0;

  /** @param mostBytes the most bytes that will come */
  constructor(hold: Hold, mostBytes: number) {
    this.#hold = hold;
    this.#mostBytes = mostBytes;
  }

  /** @throws ServiceError where there is no room; the body then stays as it was */
  add(chunk: Buffer): void {
    const neededBytes = this.sizeBytes + chunk.length;
    if (this.sizeBytes === 0) {
      this.#hold.grow(chunk.length);
      this.#buffer = chunk;
    } else {
      if (neededBytes > this.#buffer.length) this.#grow(neededBytes);
      chunk.copy(this.#buffer, this.sizeBytes);
    }
    this.sizeBytes = neededBytes;
  }

  #grow(neededBytes: number): void {
    const doubled = Math.max(leastBytes, 2 * this.#buffer.length);
    const sizeBytes = Math.max(neededBytes, Math.min(doubled, this.#mostBytes));
    this.#hold.grow(sizeBytes);
    const buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.#buffer.copy(buffer, 0, 0, this.sizeBytes);
    this.#buffer = buffer;
  }

  /**
   * Returns the body. Called once: the request lives until it is answered and must not hold its
   * body as long.
   */
  whole(): Buffer {
    const whole = this.#buffer.subarray(0, this.sizeBytes);
    this.#buffer = nothing;
    return whole;
  }
}
