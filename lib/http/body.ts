import type { IncomingMessage } from "node:http";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { ServiceError } from "../errors.ts";
import { askForBody } from "./expectation.ts";

/** Bytes a body may have. A body without a content coding must keep to both. */
export interface BodyLimits {
  /** As it comes over the wire. */
  readonly wireBytes: number;
  /** With its content coding taken off. */
  readonly inflatedBytes: number;
}

/** The client left in the middle of its request: nobody is there to be answered, and nothing is wrong here. */
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
 * Read a request's body, with its content coding (gzip, deflate, br) taken off; empty where there
 * is none. Memory stays within the limits: reading stops where one is passed, and a small body
 * cannot inflate beyond. To be called before anyone else reads from the request.
 *
 * After a rejection the request is paused and may not have been read to its end: answer it with
 * `answerEarly`.
 * @throws ServiceError `TOO_LARGE` with a finding `body_bytes` or `inflated_bytes`,
 * `UNSUPPORTED_MEDIA_TYPE` for another coding, `MALFORMED` where the coding is broken, cut off or
 * followed by more, RequestAborted where the client left
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
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
    ? readPlain(request, limits)
    : readCoded(request, decoderFor, limits);
}

function readPlain(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const body = new Gathered();
    const reader = readChunks(request, {
      take(chunk) {
        body.add(chunk);
        if (body.sizeBytes > limits.wireBytes) reader.fail(overWire(limits));
        else if (body.sizeBytes > limits.inflatedBytes) reader.fail(overInflated(limits));
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
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const body = new Gathered();
    let wireBytes = 0;
    let decoder: Decoder | undefined;
    const broken = (message: string) => reader.fail(new ServiceError("MALFORMED", message));

    const reader = readChunks(request, {
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
        body.add(chunk);
        if (body.sizeBytes > limits.inflatedBytes) reader.fail(overInflated(limits));
      });
      stream.on("end", () => {
        // What comes after the end of the coded stream is ignored by zlib, not by us.
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
  /** Give up: nothing more is taken, and the request is paused. Counts once. */
  fail(error: ServiceError): void;
}

/** Give a request's chunks to a handler, which hears of its `end`, or of one `fail`, or of both in this order. */
function readChunks(request: IncomingMessage, handler: ChunkHandler): Reader {
  let ended = false;
  let failed = false;
  const take = (chunk: Buffer) => handler.take(chunk);
  function end(): void {
    ended = true;
    handler.end();
  }
  function leave(): void {
    if (!ended) fail(new RequestAborted());
  }
  function fail(error: ServiceError): void {
    if (failed) return;
    failed = true;
    // The error listener stays: a connection that breaks later is no news.
    request.off("data", take).off("end", end).off("close", leave).pause();
    handler.fail(error);
  }
  request.on("data", take).on("end", end).on("close", leave).on("error", leave);
  return { fail };
}

/** Chunks on their way to one buffer; most bodies are one chunk, which is then not copied. */
class Gathered {
  readonly #chunks: Buffer[] = [];
  sizeBytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.sizeBytes += chunk.length;
  }

  /** To be asked once: the request, which lives until it is answered, must not hold on to its body. */
  whole(): Buffer {
    const [first, ...others] = this.#chunks.splice(0);
    if (first === undefined) return Buffer.alloc(0);
    return others.length === 0 ? first : Buffer.concat([first, ...others]);
  }
}

/**
 * `deflate` is the zlib format (RFC 9110, 8.4.1.2), but some clients send the raw one. The first byte
 * tells: as zlib's it ends in 8, which as a raw block's would be padding that no encoder writes.
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

/** The error of a passed limit; the finding's code names it. */
export function tooLarge(
  limit: "body_bytes" | "inflated_bytes" | "events",
  message: string,
): ServiceError {
  return new ServiceError("TOO_LARGE", message, {
    errors: [{ pointer: "", code: limit, message }],
  });
}
