import {
  RateLimit,
  type Bucket,
  type Ledger,
  type Spent,
} from "../../../lib/rate-limit/rate-limit.ts";

/** What Redis does, on a clock of the test's own. */
class MemoryLedger implements Ledger {
  readonly balances = new Map<string, number>();
  asked = 0;
  away = false;

  async book(spent: readonly Spent[], { size }: Bucket): Promise<readonly number[]> {
    this.asked += 1;
    if (this.away) throw new Error("away");
    return spent.map(({ caller, amount }) => {
      const left = (this.balances.get(caller) ?? size) - amount;
      this.balances.set(caller, left);
      return left;
    });
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

const opened: RateLimit[] = [];
afterEach(() => opened.splice(0).forEach((limit) => limit.close()));

let clockMs = 0;
function limitTo(perSecond: number, ledger?: Ledger): RateLimit {
  const limit = new RateLimit("events", perSecond, ledger, () => clockMs);
  opened.push(limit);
  return limit;
}

/** How many of `tries` are let through. */
function letThrough(limit: RateLimit, tries: number, caller = "a"): number {
  let through = 0;
  for (let i = 0; i < tries; i += 1) {
    try {
      limit.take(caller);
      through += 1;
    } catch (error) {
      expect(error).toMatchObject({ type: "TOO_MANY_REQUESTS" });
    }
  }
  return through;
}

function refusalOf(limit: RateLimit): unknown {
  try {
    limit.take("a");
    return undefined;
  } catch (error) {
    return error;
  }
}

test("ten seconds' worth at once, then the rate, for each caller alone", () => {
  const limit = limitTo(5);
  expect(letThrough(limit, 100)).toBe(50);
  expect(letThrough(limit, 100, "b")).toBe(50);
  clockMs += 2_000;
  expect(letThrough(limit, 100)).toBe(10);
  clockMs += 3_600_000;
  expect(letThrough(limit, 100)).toBe(50);
});

test("what a request held besides is a debt, which the rate pays before the next one", () => {
  const limit = limitTo(10);
  limit.take("a");
  limit.charge("a", 999);
  expect(refusalOf(limit)).toMatchObject({ data: { retryAfter: 91 } });
  clockMs += 89_000;
  expect(letThrough(limit, 1)).toBe(0);
  clockMs += 2_000;
  expect(letThrough(limit, 1)).toBe(1);
});

test("the headers tell the quota, what is left of it and when there is more", () => {
  const limit = limitTo(5);
  limit.take("a");
  expect(limit.headers("a")).toEqual({
    RateLimit: '"events";r=49;t=1',
    "RateLimit-Policy": '"events";q=50;w=10',
  });
  letThrough(limit, 100);
  expect(limit.headers("a").RateLimit).toBe('"events";r=0;t=1');
  limit.charge("a", 20);
  expect(limit.headers("a").RateLimit).toBe('"events";r=0;t=5');
});

test("processes on one ledger share a limit: off by no more than they let through unbooked", async () => {
  const ledger = new MemoryLedger();
  const [one, other] = [limitTo(10, ledger), limitTo(10, ledger)];
  expect(letThrough(one, 70) + letThrough(other, 70)).toBe(140);
  await one.book();
  await other.book();
  expect(ledger.balances.get("a")).toBe(-40);
  expect(letThrough(other, 10)).toBe(0);
  // One has not heard of the other's yet, and then does.
  expect(letThrough(one, 10)).toBe(10);
  await one.book();
  expect(letThrough(one, 10)).toBe(0);
  clockMs += 5_100;
  expect(letThrough(one, 10)).toBe(1);
});

test("a booking is one message for all callers, and none where nobody came", async () => {
  const ledger = new MemoryLedger();
  const limit = limitTo(10, ledger);
  for (let i = 0; i < 50; i += 1) limit.take(`caller ${i}`);
  await limit.book();
  await limit.book();
  expect(ledger.asked).toBe(1);
  expect(ledger.balances.size).toBe(50);
});

test("with the ledger away each goes on by its own count, and that is not claimed later", async () => {
  const ledger = new MemoryLedger();
  const limit = limitTo(10, ledger);
  ledger.away = true;
  expect(letThrough(limit, 200)).toBe(100);
  await limit.book();
  clockMs += 1_000;
  expect(letThrough(limit, 200)).toBe(10);
  await limit.book();
  ledger.away = false;
  letThrough(limit, 1);
  await limit.book();
  expect(ledger.balances.get("a")).toBe(100);
});
