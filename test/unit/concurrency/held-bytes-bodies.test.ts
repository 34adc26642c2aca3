import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Bodies } from "../../../lib/concurrency/held-bytes.ts";
import { readBody } from "../../../lib/http/body.ts";

const limits = { wireBytes: 10_000, inflatedBytes: 10_000 };
const open: Bodies[] = [];

function bodiesOf(maxBodyBytesInFlight: number, minBodyBytesPerSecond = 0): Bodies {
  const bodies = new Bodies({ maxBodyBytesInFlight, minBodyBytesPerSecond });
  open.push(bodies);
  return bodies;
}

afterEach(() => open.splice(0).forEach((bodies) => bodies.close()));

/** A request that the test feeds by itself. */
const fake = (headers: Readonly<Record<string, string>> = {}) =>
  Object.assign(new PassThrough(), { headers }) as unknown as IncomingMessage & PassThrough;

const refusal = (type: string) => expect.objectContaining({ type }) as Error;

test("a body is the same however it was cut, and holds little more than it has", async () => {
  const bodies = bodiesOf(1_000_000);
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 30 }), fc.boolean(), async (chunks, told) => {
      const whole = Buffer.concat(chunks);
      const request = fake(told ? { "content-length": String(whole.length) } : {});
      const hold = bodies.hold("a");
      const reading = readBody(request, limits, hold);
      for (const each of chunks) request.write(Buffer.from(each));
      request.end();
      expect(await reading).toEqual(whole);
      expect(bodies.heldBytes).toBeGreaterThanOrEqual(whole.length);
      const most = told ? whole.length : Math.max(4_096, 2 * whole.length);
      expect(bodies.heldBytes).toBeLessThanOrEqual(most);
      hold.release();
      hold.release();
      expect(bodies.heldBytes).toBe(0);
    }),
  );
});

test("chunks of one byte leave nothing but the body", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heldBytes = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const size = 300_000;
  const request = fake();
  const most = { wireBytes: size, inflatedBytes: size };
  const reading = readBody(request, most, bodiesOf(2 * size).hold("a"));
  const before = heldBytes();
  for (let sent = 0; sent < size; sent++) {
    if (!request.write(Buffer.from("x"))) await new Promise(setImmediate);
  }
  const after = heldBytes();
  request.end();
  expect((await reading).length).toBe(size);
  expect(after - before).toBeLessThan(10 * size);
});

describe("what all bodies together hold", () => {
  test("is bounded, and freed by an answer", () => {
    const bodies = bodiesOf(100);
    const [first, second] = [bodies.hold("a"), bodies.hold("b")];
    first.grow(50);
    second.grow(40);
    const third = bodies.hold("c");
    expect(() => third.grow(11)).toThrow(refusal("OVERLOADED"));
    expect(bodies.heldBytes).toBe(90);
    third.grow(10);
    first.release();
    second.grow(50);
    expect(bodies.heldBytes).toBe(60);
  });

  test("is no more than half for one caller", () => {
    const bodies = bodiesOf(100);
    const [first, second] = [bodies.hold("a"), bodies.hold("a")];
    first.grow(30);
    expect(() => second.grow(21)).toThrow(refusal("TOO_MANY_REQUESTS"));
    second.grow(20);
    bodies.hold("b").grow(50);
    first.release();
    second.grow(50);
  });

  test("bounds a body that is on its way, which is told when to come again", async () => {
    const bodies = bodiesOf(1_000);
    const request = fake();
    const reading = readBody(request, limits, bodies.hold("a"));
    request.write(Buffer.alloc(400));
    request.write(Buffer.alloc(400));
    await expect(reading).rejects.toMatchObject({
      type: "TOO_MANY_REQUESTS",
      data: { retryAfter: 1 },
    });
  });
});

describe("a body that comes slowly", () => {
  // Bodies that are watched are looked at by the clock, too. Six seconds after a whole number are
  // six, after most others a little less or more.
  let startedAt: number;
  beforeEach(() => {
    startedAt = Math.floor(performance.now());
  });
  const body = (receivedBytes: number) => ({ startedAt, receivedBytes, fail: failing() });
  function failing() {
    const failures: unknown[] = [];
    return Object.assign((error: unknown) => void failures.push(error), { failures });
  }

  test("is given up once five seconds are over", () => {
    const bodies = bodiesOf(1_000, 100);
    const [slow, fast, gone] = [body(599), body(600), body(0)];
    for (const each of [slow, fast, gone]) bodies.watch(each);
    bodies.forget(gone);
    bodies.giveUpSlow(startedAt + 4_999);
    expect(slow.fail.failures).toEqual([]);
    bodies.giveUpSlow(startedAt + 6_000);
    expect(slow.fail.failures).toEqual([refusal("REQUEST_TOO_SLOW")]);
    expect([fast, gone].map(({ fail }) => fail.failures)).toEqual([[], []]);
  });

  test("is refused where it is read", async () => {
    const bodies = bodiesOf(1_000, 100);
    const reading = readBody(fake(), limits, bodies.hold("a"));
    bodies.giveUpSlow(performance.now() + 6_000);
    await expect(reading).rejects.toMatchObject({ type: "REQUEST_TOO_SLOW", code: 408 });
  });
});
