import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { Bodies } from "../../../lib/concurrency/held-bytes.ts";
import { RequestAborted, readBody, type BodyLimits } from "../../../lib/http/body.ts";
import { readConfig } from "../../../lib/config.ts";
import { ServiceError } from "../../../lib/errors.ts";

const bodies = new Bodies(readConfig({}).http);
const limits: BodyLimits = { wireBytes: 100_000, inflatedBytes: 300_000 };

type Outcome = Buffer | ServiceError;

let server: Server;
let port: number;
let current: BodyLimits = limits;
let settled = Promise.withResolvers<{ outcome: Outcome; request: IncomingMessage }>();

beforeAll(async () => {
  server = createServer((request, response) => {
    readBody(request, current, bodies.hold("test")).then(
      (outcome) => {
        settled.resolve({ outcome, request });
        response.end();
      },
      (error: ServiceError) => {
        settled.resolve({ outcome: error, request });
        request.resume();
        response.writeHead(error.code).end();
      },
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  bodies.close();
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  current = limits;
  settled = Promise.withResolvers();
});

/** Send chunks, each in a packet of its own where the system lets it. */
async function post(
  chunks: readonly (Buffer | string)[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  settled = Promise.withResolvers();
  const request = send({ port, host: "127.0.0.1", method: "POST", headers, agent: false });
  // The server may answer and leave before all is sent.
  request.on("error", () => undefined).on("response", (response) => response.resume());
  for (const chunk of chunks) {
    await new Promise((resolve) => request.write(chunk, resolve));
  }
  request.end();
  const { outcome } = await settled.promise;
  return outcome;
}

const codeOf = (outcome: Outcome) =>
  outcome instanceof ServiceError ? [outcome.type, outcome.data.errors?.[0]?.code] : outcome;

const coders = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  GZIP: gzipSync,
} as const;

describe("a body", () => {
  test("without a coding is what was sent, however it was cut", async () => {
    expect(await post(["hello"], { "content-length": "5" })).toEqual(Buffer.from("hello"));
    expect(await post(["he", "ll", "o"])).toEqual(Buffer.from("hello"));
    expect(await post(["hello"], { "content-encoding": "identity" })).toEqual(Buffer.from("hello"));
  });

  test("may be missing", async () => {
    expect(await post([])).toEqual(Buffer.alloc(0));
    expect(await post([], { "content-encoding": "gzip" })).toEqual(Buffer.alloc(0));
  });

  test.each(Object.entries(coders))("in %s is taken off its coding", async (coding, encode) => {
    const text = "hello ".repeat(1_000);
    const coded = encode(text);
    const headers = { "content-encoding": coding };
    expect(String(await post([coded], headers))).toBe(text);
    const cut = coded.length >> 1;
    expect(String(await post([coded.subarray(0, cut), coded.subarray(cut)], headers))).toBe(text);
    expect(String(await post([coded.subarray(0, 1), coded.subarray(1)], headers))).toBe(text);
  });

  test("in raw deflate is taken for deflate", async () => {
    expect(String(await post([deflateRawSync("hello")], { "content-encoding": "deflate" }))).toBe(
      "hello",
    );
  });

  test("may have several gzip members", async () => {
    const coded = Buffer.concat([gzipSync("a"), gzipSync("b")]);
    expect(String(await post([coded], { "content-encoding": "gzip" }))).toBe("ab");
  });

  test("comes back the same in every coding and cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.constantFrom("gzip", "deflate", "br", "raw"),
        fc.nat(100),
        async (bytes, coding, percent) => {
          const encode = coding === "raw" ? deflateRawSync : coders[coding as "gzip"];
          const coded = encode(bytes);
          const cut = Math.floor((coded.length * percent) / 100);
          const outcome = await post(
            [coded.subarray(0, cut), coded.subarray(cut)].filter((part) => part.length > 0),
            {
              "content-encoding": coding === "raw" ? "deflate" : coding,
            },
          );
          expect(outcome).toEqual(Buffer.from(bytes));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("a limit", () => {
  const big = Buffer.alloc(limits.wireBytes + 1, "x");

  test("on the wire holds for a declared length, before anything is read", async () => {
    expect(codeOf(await post([big], { "content-length": String(big.length) }))).toEqual([
      "TOO_LARGE",
      "body_bytes",
    ]);
  });

  test("on the wire holds for chunks", async () => {
    const chunks = Array.from({ length: 11 }, () => Buffer.alloc(10_000));
    expect(codeOf(await post(chunks))).toEqual(["TOO_LARGE", "body_bytes"]);
    const noise = deflateRawSync(crypto.getRandomValues(new Uint8Array(60_000)));
    const coded = [noise.subarray(0, 50_000), noise.subarray(50_000)];
    current = { ...limits, wireBytes: 55_000 };
    expect(codeOf(await post(coded, { "content-encoding": "deflate" }))).toEqual([
      "TOO_LARGE",
      "body_bytes",
    ]);
  });

  test("is not passed by what is just as large", async () => {
    expect(big.subarray(1).equals((await post([big.subarray(1)])) as Buffer)).toBe(true);
    const inflated = Buffer.alloc(limits.inflatedBytes, "x");
    const outcome = await post([gzipSync(inflated)], { "content-encoding": "gzip" });
    expect(inflated.equals(outcome as Buffer)).toBe(true);
  });

  test.each(["gzip", "deflate", "br"] as const)("stops a bomb in %s early", async (coding) => {
    const bomb = coders[coding](Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(limits.wireBytes);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(await post([bomb], { "content-encoding": coding }))).toEqual([
      "TOO_LARGE",
      "inflated_bytes",
    ]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  test("on the inflated size holds for a plain body too", async () => {
    current = { wireBytes: 10, inflatedBytes: 5 };
    expect(codeOf(await post(["123456"]))).toEqual(["TOO_LARGE", "inflated_bytes"]);
  });
});

describe("a coding", () => {
  test.each(["zstd", "compress", "gzip, br", "gzip,gzip", "*"])(
    "%s is not supported",
    async (coding) => {
      const outcome = await post([gzipSync("a")], { "content-encoding": coding });
      expect(codeOf(outcome)).toEqual(["UNSUPPORTED_MEDIA_TYPE", undefined]);
      expect((outcome as ServiceError).data.acceptEncoding).toEqual(["gzip", "deflate", "br"]);
    },
  );

  test.each(["gzip", "deflate", "br"] as const)("%s may be broken in many ways", async (coding) => {
    const whole = coders[coding]("hello ".repeat(1_000));
    const headers = { "content-encoding": coding };
    const garbage = Buffer.alloc(40_000, "garbage");
    for (const chunks of [
      [Buffer.from("this is not it at all, at all")],
      [whole.subarray(0, -1)],
      [whole.subarray(0, 3)],
      [Buffer.concat([whole, Buffer.from("trailing bytes")])],
      [Buffer.concat([whole, Buffer.alloc(3)])],
      [whole, garbage, garbage],
    ]) {
      expect(codeOf(await post(chunks, headers))).toEqual(["MALFORMED", undefined]);
    }
  });
});

describe("a client that leaves", () => {
  test.each([
    ["plain", ""],
    ["gzip", "content-encoding: gzip\r\n"],
  ])("in the middle of a %s body is no error of anyone", async (_, header) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${header}content-length: 1000\r\n\r\n`);
    socket.write(gzipSync("hello ".repeat(1_000)).subarray(0, 20));
    await once(server, "request");
    socket.destroy();
    const { outcome, request } = await settled.promise;
    expect(outcome).toBeInstanceOf(RequestAborted);
    expect(request.listenerCount("data") + request.listenerCount("end")).toBe(0);
  });
});

test("after a refusal the request is paused and bears any end", async () => {
  const outcome = await post([Buffer.alloc(limits.wireBytes), Buffer.alloc(10)]);
  const { request } = await settled.promise;
  expect(outcome).toBeInstanceOf(ServiceError);
  expect(request.listenerCount("data")).toBe(0);
  expect(request.listenerCount("error")).toBeGreaterThan(0);
});
