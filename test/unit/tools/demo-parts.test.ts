import { jest } from "@jest/globals";
import fc from "fast-check";
import type { AnalyticsClient } from "../../../tools/analytics-client.ts";
import { builtInDimensions } from "../../../lib/counting/dimensions.ts";
import { kinds, savedKinds } from "../../../lib/answers/kinds.ts";
import { readWithRange } from "../../../lib/questions/reading/relative-range.ts";
import type { Raw } from "../../../lib/questions/reading/field.ts";
import { readQuestionToKeep } from "../../../lib/questions/saved.ts";
import { readAddress } from "../../../page/pure/address.ts";
import { pinBoard } from "../../../tools/demo/board.ts";
import { backfill, compare, countAccepted } from "../../../tools/demo/backfill.ts";
import { addressIn, countries } from "../../../tools/demo/countries.ts";
import { sendLive, steadyEvents } from "../../../tools/demo/live.ts";
import { mailEvents } from "../../../tools/demo/mail-events.ts";
import { demoOptions } from "../../../tools/demo/options.ts";
import { seeded, weighted } from "../../../tools/demo/random.ts";
import { comparisonText } from "../../../tools/demo/report.ts";
import type { MailEvent } from "../../../tools/demo/story.ts";
import { countryReader } from "../../../lib/country.ts";

const to = Date.parse("2025-11-20T16:00:00Z");
const events = [...mailEvents({ seed: 1, mails: 1_000, from: to - 86_400_000, to })];

/** A client that keeps what it is sent. */
function recorder(
  answers: Partial<AnalyticsClient> = {},
): AnalyticsClient & { sent: MailEvent[][] } {
  const sent: MailEvent[][] = [];
  const unasked = () => Promise.reject(new Error("not asked for here"));
  return {
    url: "http://127.0.0.1:1",
    sent,
    post(batch) {
      sent.push([...batch] as MailEvent[]);
      return Promise.resolve();
    },
    save: unasked,
    counts: unasked,
    list: unasked,
    identify: unasked,
    ...answers,
  };
}

describe("the demo's board", () => {
  const readers = Object.fromEntries(
    savedKinds.map((kind) => [
      kind,
      {
        read: (question: Raw) =>
          readWithRange<unknown>(kinds[kind].form, question, to, (absolute) =>
            kinds[kind].read(absolute, builtInDimensions),
          ),
      },
    ]),
  );

  test("has questions that can be saved, in an order, and each opens in a view of its kind", async () => {
    const saved: { view: unknown; opens: string; kind: string }[] = [];
    const client = recorder({
      save(_, question) {
        const { kind, view } = readQuestionToKeep(question, readers);
        const [path = "", search = ""] = String(view?.["address"]).split("?");
        saved.push({ kind, view, opens: readAddress(path, search).view });
        return Promise.resolve(true);
      },
    });
    expect(await pinBoard(client)).toBe(saved.length);
    expect(saved.map(({ kind, opens }) => [kind, opens])).toEqual([
      ["funnel", "funnel"],
      ["run", "trends"],
      ["mail", "mail"],
      ["run", "trends"],
    ]);
    expect(saved).toMatchObject(saved.map((_, order) => ({ view: { order, pinned: true } })));
  });

  test("stays away where the key may not save", async () => {
    expect(await pinBoard(recorder({ save: () => Promise.resolve(false) }))).toBe(0);
  });
});

describe("seeded chance", () => {
  test("is the reference sequence of sfc32", () => {
    // PractRand's sfc32 in 64-bit integers, cut to 32 bits after each step.
    const reference = (seed: readonly [bigint, bigint, bigint]) => {
      let [a, b, c] = seed;
      let counter = 1n;
      const cut = (value: bigint) => BigInt.asUintN(32, value);
      return () => {
        const out = cut(a + b + counter);
        counter = cut(counter + 1n);
        a = b ^ (b >> 9n);
        b = cut(c + (c << 3n));
        c = cut(cut((c << 21n) | (c >> 11n)) + out);
        return Number(out);
      };
    };
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (seed, stream, index) => {
        const words = reference([BigInt(seed), BigInt(stream), BigInt(index)]);
        for (let round = 0; round < 15; round++) words();
        const random = seeded(seed, stream, index);
        for (let draw = 0; draw < 20; draw++) expect(random.next()).toBe(words() / 2 ** 32);
      }),
    );
  });

  test("is even, within its limits, and log-normal around its median", () => {
    const random = seeded(7, 0, 0);
    const draws = 40_000;
    let below = 0;
    let sum = 0;
    const digits = new Array<number>(10).fill(0);
    for (let draw = 0; draw < draws; draw++) {
      sum += random.next();
      digits[random.below(10)]! += 1;
      if (random.logNormal(1_000, 1.5) < 1_000) below++;
    }
    expect(sum / draws).toBeCloseTo(0.5, 1);
    expect(below / draws).toBeCloseTo(0.5, 1);
    for (const count of digits) expect(count / draws).toBeCloseTo(0.1, 1.5);
  });

  test("draws each value as often as its weight says, and never one without weight", () => {
    const draw = weighted([
      ["never", 0],
      ["often", 3],
      ["seldom", 1],
    ]);
    const random = seeded(1, 2, 3);
    const drawn = Array.from({ length: 20_000 }, () => draw(random));
    expect(drawn).not.toContain("never");
    expect(drawn.filter((value) => value === "often").length / drawn.length).toBeCloseTo(0.75, 1);
  });
});

test("each country's networks are in that country", () => {
  const countryOf = countryReader();
  const random = seeded(1, 1, 1);
  for (const [{ code, networks }] of countries) {
    const found = Array.from({ length: 200 }, () => countryOf(addressIn(networks, random)));
    expect(new Set(found)).toEqual(new Set([code]));
  }
});

describe("the backfill", () => {
  test("sends everything once, in order, in full batches, and counts it by type", async () => {
    const client = recorder();
    const { signal } = new AbortController();
    const sent = await backfill(client, events, signal, () => undefined);
    expect(client.sent.flat()).toEqual(events);
    expect(client.sent.slice(0, -1).every((batch) => batch.length === 1_000)).toBe(true);
    expect(sent.events).toBe(events.length);
    expect(sent.byType.get("email.sent")).toBe(1_000);
  });

  test("stops between batches when it is interrupted", async () => {
    const client = recorder();
    const interrupted = new AbortController();
    const sent = await backfill(client, events, interrupted.signal, () => interrupted.abort());
    expect(client.sent).toHaveLength(1);
    expect(sent.events).toBe(1_000);
  });

  test("takes a count only when it reaches as far as what was accepted", async () => {
    const asOf = [to - 1, to];
    const counts = jest.fn<AnalyticsClient["counts"]>(() =>
      Promise.resolve({
        data: [{ type: "email.sent", count: 2 - asOf.length }],
        total: 0,
        nextCursor: null,
        meta: {
          asOf: new Date(asOf.shift()!).toISOString(),
          lagMs: 0,
          exact: true,
          source: "rollup",
          cache: "miss",
          tookMs: 1,
        },
      }),
    );
    const counted = await countAccepted(recorder({ counts }), { from: 0, to }, to);
    expect(counts).toHaveBeenCalledTimes(2);
    expect(counted).toEqual(new Map([["email.sent", 1]]));
  });

  test("is compared by what it added", () => {
    const rows = compare(
      new Map([
        ["email.sent", 5],
        ["email.opened", 2],
      ]),
      new Map([
        ["email.sent", 10],
        ["page.viewed", 4],
      ]),
      new Map([
        ["email.sent", 15],
        ["email.opened", 1],
        ["page.viewed", 4],
      ]),
    );
    expect(rows).toEqual([
      { type: "email.sent", sent: 5, before: 10, counted: 5 },
      { type: "email.opened", sent: 2, before: 0, counted: 1 },
    ]);
    expect(comparisonText(rows)).toMatchObject({ agrees: false });
    expect(comparisonText(rows).text).toMatch(/email\.opened +2 +1 +off by -1/);
    expect(comparisonText(rows.slice(0, 1)).agrees).toBe(true);
  });

  test.each([
    [{ sent: 5, before: 3, counted: 2 }, true, "3 were there before"],
    [{ sent: 5, before: 2, counted: 2 }, false, "off by -3"],
    [{ sent: 5, before: 5, counted: 6 }, false, "off by 1"],
  ])("that was sent before adds nothing twice: %j", (row, agrees, words) => {
    const { text, agrees: found } = comparisonText([{ type: "email.sent", ...row }]);
    expect(text.split("\n")[1]).toContain(words);
    expect(found).toBe(agrees);
  });
});

describe("the live stream", () => {
  test("sends what is due at once and waits for the rest, until it is interrupted", async () => {
    const interrupted = new AbortController();
    const now = Date.now();
    const due = [1, 2, 3].map((index) => ({ ...events[index]!, timestamp: now - 1_000 + index }));
    const far = { ...events[4]!, timestamp: now + 120_000 };
    const client = recorder();
    await sendLive(client, [...due, far], interrupted.signal, () => interrupted.abort());
    expect(client.sent).toEqual([due]);
  });

  test("is as fast as asked for", () => {
    const stream = steadyEvents({ seed: 1, people: 500, rate: 4, from: to });
    let count = 0;
    for (const { timestamp } of stream) {
      // The first hours lack the later opens of mails sent before.
      if (timestamp < to + 6 * 3_600_000) continue;
      if (timestamp >= to + 12 * 3_600_000) break;
      count++;
    }
    const perSecond = count / (6 * 3_600);
    expect(perSecond).toBeGreaterThan(3.4);
    expect(perSecond).toBeLessThan(4.6);
  });
});

describe("the options", () => {
  test("have defaults", () => {
    expect(demoOptions([], {})).toMatchObject({ mails: 20_000, seed: 1, days: 14, port: 4_000 });
    expect(demoOptions(["--mails", "5", "--once"], { PORT: "4100" })).toMatchObject({
      mails: 5,
      once: true,
      port: 4_100,
    });
    expect(demoOptions(["--help"], {})).toBe("help");
  });

  test.each([
    [["--mails", "0"], {}, "--mails"],
    [["--rate", "fast"], {}, "--rate"],
    [["--speed", "1"], {}, "--speed"],
    [[], { PORT: "99999" }, "PORT"],
  ])("%j %j are refused by name", (args, env, name) => {
    expect(() => demoOptions(args, env)).toThrow(name);
  });
});
