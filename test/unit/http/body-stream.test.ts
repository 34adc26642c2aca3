import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { deflateSync } from "node:zlib";
import { Bodies } from "../../../lib/concurrency/held-bytes.ts";
import { RequestAborted, readBody, type BodyLimits } from "../../../lib/http/body.ts";
import { readConfig } from "../../../lib/config.ts";

const bodies = new Bodies(readConfig({}).http);
afterAll(() => bodies.close());

const limits: BodyLimits = { wireBytes: 100_000, inflatedBytes: 300_000 };

/** A request that the test feeds by itself. */
const fake = (headers: Readonly<Record<string, string>>) =>
  Object.assign(new PassThrough(), { headers }) as unknown as IncomingMessage & PassThrough;

test("what comes long after the end of a coding is not ignored", async () => {
  const headers = { "content-encoding": "deflate" };
  const late = fake(headers);
  const outcome = readBody(late, limits, bodies.hold("test"));
  late.write(deflateSync("hello"));
  // Others of the same kind that came later are through, so the first one's coding has ended.
  for (let turn = 0; turn < 5; turn++) {
    const other = fake(headers);
    other.end(deflateSync("hello"));
    await readBody(other, limits, bodies.hold("test"));
  }
  late.end("more");
  await expect(outcome).rejects.toMatchObject({ type: "MALFORMED" });
});

describe("a client that leaves", () => {
  test("without an error is noticed too", async () => {
    const request = fake({});
    const outcome = readBody(request, limits, bodies.hold("test"));
    request.destroy();
    await expect(outcome).rejects.toBeInstanceOf(RequestAborted);
  });

  test("before its body is read is told from an empty body", async () => {
    const request = { headers: {}, destroyed: true } as IncomingMessage;
    await expect(readBody(request, limits, bodies.hold("test"))).rejects.toBeInstanceOf(
      RequestAborted,
    );
  });
});
