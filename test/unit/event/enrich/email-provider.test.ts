import fc from "fast-check";
import {
  emailProviderOf,
  emailProviderReader,
} from "../../../../lib/event/enrich/email-provider.ts";

const remembering = emailProviderReader(3);

describe("emailProviderOf", () => {
  test.each([
    ["ada@gmail.com", "gmail"],
    ["Ada@GoogleMail.com", "gmail"],
    ["ada@hotmail.co.uk", "outlook"],
    ["ada@live.nl", "outlook"],
    ["ada@outlook.com.br", "outlook"],
    ["ada@yahoo.co.jp", "yahoo"],
    ["ada@yahoo.fr", "yahoo"],
    ["ada@ymail.com", "yahoo"],
    ["ada@me.com", "icloud"],
    ["ada@privaterelay.appleid.com", "icloud"],
    ["ada@pm.me", "proton"],
    ["ada@gmx.net", "gmx"],
    ["ada@gmx.at", "gmx"],
    ["ada@web.de", "web.de"],
    ["ada@t-online.de", "t-online"],
    ["ada@ya.ru", "yandex"],
    ["ada@yandex.com.tr", "yandex"],
    ["ada@bk.ru", "mail.ru"],
    ["ada@163.com", "netease"],
    ["Ada Lovelace <ada@gmail.com>", "gmail"],
    [" ada@gmail.com ", "gmail"],
    ['"odd@local"@proton.me', "proton"],
    ["ada@gmail.com.", "gmail"],
  ])("%s is with %s", (recipient, provider) => {
    expect(emailProviderOf(recipient)).toBe(provider);
    const [first, again] = [remembering(recipient), remembering(recipient)];
    expect([first, again]).toEqual([provider, provider]);
  });

  test.each([
    ["ada@Example.COM", "example.com"],
    ["ada@mail.example.org", "mail.example.org"],
    ["ada@bücher.example", "xn--bcher-kva.example"],
    ["ada@BÜCHER.example", "xn--bcher-kva.example"],
    ["ada@例え.テスト", "xn--r8jz45g.xn--zckzah"],
    ["ada@gmail.com.evil.example", "gmail.com.evil.example"],
    ["ada@notgmail.com", "notgmail.com"],
    ["ada@sub.gmail.com", "sub.gmail.com"],
  ])("%s has a domain of its own, %s", (recipient, domain) => {
    expect(emailProviderOf(recipient)).toBe(domain);
  });

  test.each([
    ["ada"],
    ["@"],
    ["ada@"],
    ["ada@localhost"],
    ["ada@[192.0.2.1]"],
    ["ada@192.0.2.1"],
    ["ada@-"],
    ["ada@a..b"],
    ["ada@exa mple.com"],
    ["ada@example.com/path"],
    ["ada@example.com:25"],
    [`ada@${"a".repeat(64)}.com`],
    [`ada@${"a.".repeat(200)}com`],
    [`ada@${"ü".repeat(10_000_000)}`],
    [""],
    [null],
    [undefined],
    [7],
    [["ada@gmail.com"]],
  ])("an address without a domain tells nothing", (recipient) => {
    expect(emailProviderOf(recipient)).toBeUndefined();
  });

  test("is total, and its answers are short and plain", () => {
    const recipients = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }).map((domain) => `a@${domain}.com`),
      fc.emailAddress(),
    );
    fc.assert(
      fc.property(recipients, (recipient) => {
        const provider = emailProviderOf(recipient);
        expect(remembering(recipient)).toBe(provider);
        if (provider !== undefined) expect(provider).toMatch(/^[a-z\d._-]{1,255}$/);
      }),
    );
  });

  test("knows no property of objects for a provider", () => {
    expect(emailProviderOf("ada@constructor.com")).toBe("constructor.com");
    expect(emailProviderOf("ada@__proto__.com")).toBe("__proto__.com");
  });
});
