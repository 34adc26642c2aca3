import fc from "fast-check";
import {
  readSoftware,
  clientReader,
  readClient,
  userAgentLimit,
  type Client,
} from "../../../../lib/event/enrich/user-agent.ts";

const chrome =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.57 Safari/537.36";

/** A reader whose underlying calls are recorded. */
function spied(capacity?: number) {
  const read: string[] = [];
  const client: Client = { device: "other", bot: false };
  const clientOf = clientReader(capacity, (userAgent) => {
    read.push(userAgent);
    return client;
  });
  return { read, clientOf };
}

describe("readSoftware", () => {
  test.each([
    [chrome, { browser: "Chrome", browserVersion: "126.0", os: "Windows" }],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
      { browser: "Safari", browserVersion: "17.5", os: "iOS" },
    ],
    [
      "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
      { browser: "Firefox", browserVersion: "127.0", os: "Linux" },
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68",
      { browser: "Microsoft Edge", browserVersion: "126.0", os: "Windows" },
    ],
    [
      "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
      { browser: "Samsung Internet for Android", browserVersion: "25.0", os: "Android" },
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Thunderbird/115.6.0",
      { browser: "Thunderbird", browserVersion: "115", os: "Windows" },
    ],
    [
      "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.4266; ms-office; MSOffice 16)",
      { browser: "Outlook", browserVersion: "16", os: "Windows" },
    ],
    ["", {}],
    ["Something/1.0 entirely (new)", {}],
    ["constructor/1.0 (x)", {}],
  ])("%s", (userAgent, software) => {
    expect(readSoftware(userAgent)).toEqual(software);
  });

  test("is total, and answers with known names and short versions only", () => {
    const named = fc.constantFrom("Chrome/", "Version/", "Firefox/", "opt/", "Android ", "MSIE ");
    const agents = fc
      .tuple(named, fc.string({ unit: "binary" }), named, fc.stringMatching(/^[\d._]{0,40}$/))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(agents, (userAgent) => {
        const { browser, browserVersion, os } = readSoftware(userAgent);
        for (const name of [browser, os]) {
          if (name !== undefined) expect(name).toMatch(/^[A-Z][\w !-]{1,30}$|^iOS$|^macOS$/);
        }
        if (browserVersion !== undefined) expect(browserVersion).toMatch(/^\d{1,5}(\.\d{1,5})?$/);
      }),
    );
  });
});

describe("clientReader", () => {
  test("reads a user agent once", () => {
    const { read, clientOf } = spied();
    expect(clientOf(chrome)).toBe(clientOf(chrome));
    expect(read).toEqual([chrome]);
  });

  test("says what reading without a cache says", () => {
    const clientOf = clientReader(2);
    fc.assert(
      fc.property(fc.constantFrom(chrome, "curl/8.0", "Mozilla/5.0", "x"), (userAgent) => {
        expect(clientOf(userAgent)).toEqual(readClient(userAgent));
      }),
    );
  });

  test("gives the parsers at most 1,024 characters", () => {
    const { read, clientOf } = spied();
    for (const piece of ["a", "1.", "Mozilla/5.0 ", "(", "@a-", "Android ", "👩"]) {
      clientOf(piece.repeat(10_000_000 / piece.length));
    }
    expect(read).toHaveLength(7);
    for (const text of read) expect(text.length).toBeLessThanOrEqual(userAgentLimit);
    expect(read.at(-1)!.isWellFormed()).toBe(true);
  });

  test("keeps no user agent of more than 512 characters", () => {
    const { read, clientOf } = spied();
    for (const length of [512, 512, 513, 513]) clientOf("x".repeat(length));
    expect(read.map(({ length }) => length)).toEqual([512, 513, 513]);
  });

  test("keeps as many as its capacity, the last used ones", () => {
    const { read, clientOf } = spied(2);
    for (const userAgent of ["a", "b", "a", "c", "a", "b"]) clientOf(userAgent);
    expect(read).toEqual(["a", "b", "c", "b"]);
  });
});

describe("clientReader", () => {
  test("remembers the user agents that it saw last", () => {
    const capacity = 3;
    const names = fc.array(fc.constantFrom("a", "b", "c", "d", "e"));
    fc.assert(
      fc.property(names, (userAgents) => {
        const { read, clientOf } = spied(capacity);
        let model: string[] = [];
        let reads = 0;
        for (const userAgent of userAgents) {
          if (!model.includes(userAgent)) reads++;
          model = [...model.filter((known) => known !== userAgent), userAgent].slice(-capacity);
          clientOf(userAgent);
          expect(read.length).toBe(reads);
        }
      }),
    );
  });
});
