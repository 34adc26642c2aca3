import { jest } from "@jest/globals";
import fc from "fast-check";
import { readPage, urlLimit, referrerOf } from "../../../../lib/event/enrich/page.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

/** Lengths of the texts that the URL parser is given while `work` runs. */
function parsedLengths(work: () => void): readonly number[] {
  const parse = jest.spyOn(URL, "parse");
  work();
  return parse.mock.calls.map(([text]) => String(text).length);
}

describe("readPage", () => {
  test("takes host and path, and the campaign out of the query", () => {
    const url =
      "https://Shop.Example.COM:8443/sale/shoes?utm_source=newsletter&utm_medium=email" +
      "&utm_campaign=Spring%20Sale&utm_term=%20boots%20&utm_content=a%0Ab&size=42#top";
    expect(readPage(url)).toEqual({
      host: "shop.example.com",
      path: "/sale/shoes",
      utm: {
        source: "newsletter",
        medium: "email",
        campaign: "Spring Sale",
        term: "boots",
        content: "a b",
      },
    });
  });

  test.each([
    ["http://example.com", "example.com", "/"],
    ["https://example.com./a/../b", "example.com", "/b"],
    ["https://user:secret@example.com/a", "example.com", "/a"],
    ["https://bücher.example/über", "xn--bcher-kva.example", "/%C3%BCber"],
    ["http://[2001:db8::1]:3000/", "[2001:db8::1]", "/"],
    ["http://localhost:3000/a", "localhost", "/a"],
    [" https://example.com/a\n", "example.com", "/a"],
  ])("%j is at %s, %s", (url, host, path) => {
    expect(readPage(url)).toEqual({ host, path });
  });

  test.each([
    [""],
    ["/pricing"],
    ["example.com/a"],
    ["//example.com/a"],
    ["ftp://example.com/"],
    ["file:///etc/passwd"],
    ["javascript:alert(1)"],
    ["data:text/html,hi"],
    ["about:blank"],
    ["https://"],
    ["https://exa mple.com/"],
    ["https://%00/"],
    [`https://${"a.".repeat(200)}com/`],
    [null],
    [undefined],
    [5],
    [["https://example.com"]],
    [{ href: "https://example.com" }],
  ])("%j is no page", (value) => {
    expect(readPage(value)).toBeUndefined();
  });

  test("the first of a parameter counts, and an empty one does not", () => {
    expect(readPage("https://a.example/?utm_source=x&utm_source=y&utm_medium=&utm_term=+")).toEqual(
      {
        host: "a.example",
        path: "/",
        utm: { source: "x" },
      },
    );
    expect(readPage("https://a.example/?utm_source=&utm_id=7")).toEqual({
      host: "a.example",
      path: "/",
    });
  });

  test("a path has at most 512 characters and no half escape", () => {
    const path = readPage(`https://a.example/${"ü".repeat(400)}`)!.path;
    expect(path.length).toBeLessThanOrEqual(512);
    expect(path.length).toBeGreaterThan(508);
    expect(path).toMatch(/^\/(?:%[\dA-F]{2})+$/);
    expect(readPage(`https://a.example/${"x".repeat(9_000)}`)!.path).toHaveLength(512);
  });

  test("a campaign has at most 128 characters and no half of a pair", () => {
    const { utm } = readPage(`https://a.example/?utm_campaign=x${"👩".repeat(100)}`)!;
    expect(utm!.campaign).toHaveLength(127);
    expect(utm!.campaign!.isWellFormed()).toBe(true);
  });

  test("hands the parser a bounded text, however long the URL is", () => {
    const urls = [
      `https://a.example/?${"a=b&".repeat(2_500_000)}`,
      `https://a.example/${"%".repeat(10_000_000)}`,
      `https://${"ü".repeat(10_000_000)}.example/`,
      " ".repeat(10_000_000),
    ];
    const lengths = parsedLengths(() => urls.forEach((url) => readPage(url)));
    expect(lengths).toHaveLength(urls.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(urlLimit);
  });

  test("a parameter that the bound cuts is left out, not shortened", () => {
    const filler = "f".repeat(urlLimit - 60);
    const url = `https://a.example/?utm_source=x&f=${filler}&utm_campaign=${"c".repeat(100)}`;
    expect(readPage(url)!.utm).toEqual({ source: "x" });
  });

  test("is total, and what it gives is within its bounds", () => {
    const urls = fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }).map((rest) => `https://a.example/${rest}`),
      fc.string({ unit: "binary" }).map((value) => `https://a.example/?utm_source=${value}`),
    );
    fc.assert(
      fc.property(urls, (url) => {
        const page = readPage(url);
        if (page === undefined) return;
        expect(page.host).toBe(page.host.toLowerCase());
        expect(page.host.length).toBeLessThanOrEqual(253);
        expect(page.path).toMatch(/^\/[^?#]{0,511}$/);
        for (const value of Object.values(page.utm ?? {}))
          expect(value).toMatch(/^\P{Cc}{1,128}$/u);
      }),
    );
  });
});

describe("referrerOf", () => {
  test.each([
    ["https://www.google.com/", "search"],
    ["https://google.de/search?q=x", "search"],
    ["https://www.google.co.uk/", "search"],
    ["https://www.google.com.br/", "search"],
    ["https://www.bing.com/", "search"],
    ["https://duckduckgo.com/", "search"],
    ["https://r.search.yahoo.com/_ylt=x", "search"],
    ["https://search.yahoo.co.jp/search", "search"],
    ["https://yandex.ru/clck", "search"],
    ["https://go.mail.ru/search", "search"],
    ["android-app://com.google.android.googlequicksearchbox/https/www.google.com", "search"],
    ["https://t.co/abc", "social"],
    ["https://l.facebook.com/l.php?u=x", "social"],
    ["https://lm.facebook.com/", "social"],
    ["https://m.youtube.com/watch", "social"],
    ["https://old.reddit.com/r/x", "social"],
    ["https://www.pinterest.de/", "social"],
    ["https://my.mail.ru/", "social"],
    ["android-app://com.twitter.android/", "social"],
    ["https://mail.google.com/mail/u/0/", "mail"],
    ["https://outlook.live.com/", "mail"],
    ["https://eur01.safelinks.protection.outlook.com/?url=x", "mail"],
    ["https://mail.yahoo.com/", "mail"],
    ["https://www.icloud.com/mail", "mail"],
    ["https://e.mail.ru/inbox", "mail"],
    ["https://deref-gmx.net/mail/client/x", "mail"],
    ["android-app://com.google.android.gm/", "mail"],
    ["https://docs.google.com/document", "other"],
    ["https://news.example.org/article", "other"],
    ["https://google.com.evil.example/", "other"],
    ["https://notgoogle.com/", "other"],
    ["https://facebook.com.evil.example/", "other"],
    ["https://constructor/", "other"],
    ["http://192.0.2.7/", "other"],
    ["android-app://org.example.app/", "other"],
  ])("%s is %s", (referrer, kind) => {
    expect(referrerOf(referrer, "shop.example.com")).toBe(kind);
  });

  test.each([
    ["https://shop.example.com/cart"],
    ["http://shop.example.com:8080/"],
    ["https://www.shop.example.com/"],
    ["https://example.com/"],
    ["https://www.example.com/"],
    ["https://eu.shop.example.com/"],
  ])("%s is internal to shop.example.com", (referrer) => {
    expect(referrerOf(referrer, "shop.example.com")).toBe("internal");
  });

  test("a site's name at the end of another's is not that site", () => {
    expect(referrerOf("https://myshop.example.com/", "shop.example.com")).toBe("other");
    expect(referrerOf("https://blog.example.com/", "shop.example.com")).toBe("other");
  });

  test("the site itself comes before what is known of it", () => {
    expect(referrerOf("https://www.google.com/", "google.com")).toBe("internal");
  });

  test("no referrer is direct where there is a page, and unknown where there is none", () => {
    expect(referrerOf(undefined, "a.example")).toBe("direct");
    expect(referrerOf(null, "a.example")).toBe("direct");
    expect(referrerOf("", "a.example")).toBe("direct");
    expect(referrerOf("", undefined)).toBe("direct");
    expect(referrerOf(undefined, undefined)).toBeUndefined();
  });

  test.each([["google.com"], ["about:client"], ["javascript:0"], [5], [{}], [["https://t.co"]]])(
    "%j tells nothing",
    (referrer) => {
      expect(referrerOf(referrer, "a.example")).toBeUndefined();
    },
  );

  test("hands the parser a bounded text", () => {
    const lengths = parsedLengths(() => {
      referrerOf(`https://t.co/${"x".repeat(10_000_000)}`, "a.example");
      referrerOf(`https://${"a.".repeat(5_000_000)}com`, "a.example");
    });
    expect(lengths).toHaveLength(2);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(urlLimit);
  });

  test("is total", () => {
    const kinds = ["direct", "internal", "search", "social", "mail", "other", undefined];
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string({ unit: "binary" })), (referrer) => {
        expect(kinds).toContain(referrerOf(referrer, "a.example"));
      }),
    );
  });
});
