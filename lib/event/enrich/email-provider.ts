import { LRUCache } from "lru-cache";
import { domainToASCII } from "node:url";
import { anyCountry } from "./text.ts";

/**
 * Mailbox providers by the domains they give out; `.*` stands for a country's ending
 * (`anyCountry`). A provider is who runs the mailbox, so its brands are one: Outlook's Hotmail and
 * Live, Yahoo's Ymail.
 */
const providers: Readonly<Record<string, string>> = {
  gmail: "gmail.com googlemail.com",
  outlook: "outlook.* hotmail.* live.* msn.com passport.com windowslive.com",
  yahoo: "yahoo.* ymail.com rocketmail.com myyahoo.com",
  aol: "aol.* aim.com verizon.net netscape.net",
  icloud: "icloud.com me.com mac.com privaterelay.appleid.com",
  proton: "proton.me protonmail.com protonmail.ch pm.me",
  gmx: "gmx.* gmx.net gmx.info gmx.biz gmx.org",
  "web.de": "web.de email.de",
  "t-online": "t-online.de magenta.de",
  freenet: "freenet.de",
  "mail.com": "mail.com",
  fastmail: "fastmail.com fastmail.fm messagingengine.com",
  tuta: "tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me",
  zoho: "zoho.* zohomail.*",
  yandex: "yandex.* ya.ru narod.ru",
  "mail.ru": "mail.ru inbox.ru list.ru bk.ru internet.ru",
  qq: "qq.com vip.qq.com foxmail.com",
  netease: "163.com 126.com yeah.net vip.163.com",
  naver: "naver.com",
  daum: "daum.net hanmail.net kakao.com",
  orange: "orange.fr wanadoo.fr",
  free: "free.fr",
  sfr: "sfr.fr neuf.fr",
  laposte: "laposte.net",
  libero: "libero.it",
  seznam: "seznam.cz email.cz",
  comcast: "comcast.net xfinity.com",
  att: "att.net sbcglobal.net bellsouth.net",
  bt: "btinternet.com btopenworld.com",
  rediff: "rediffmail.com",
  uol: "uol.com.br bol.com.br",
};

const byDomain: ReadonlyMap<string, string> = new Map(
  Object.entries(providers).flatMap(([provider, domains]) =>
    domains.split(" ").map((domain) => [domain, provider] as const),
  ),
);

/** RFC 5321, 4.5.3.1.2. */
const domainLimit = 255;

/**
 * The mailbox provider of `metadata.recipient`, an address with or without a display name: a name
 * of the list above, else the domain in lower case and punycode, which is usually a company's own.
 * `undefined` where the domain has no dot: local names and address literals name no provider.
 */
export function emailProviderOf(value: unknown): string | undefined {
  const end = endOf(value);
  return end === undefined ? undefined : providerOfEnd(end);
}

/** Returns an `emailProviderOf` that remembers the domains it saw last: there are few. */
export function emailProviderReader(capacity = 2_000): (value: unknown) => string | undefined {
  const seen = new LRUCache<string, { readonly provider: string | undefined }>({ max: capacity });
  return (value) => {
    const end = endOf(value);
    if (end === undefined) return undefined;
    let known = seen.get(end);
    if (known === undefined) seen.set(end, (known = { provider: providerOfEnd(end) }));
    return known.provider;
  };
}

/** The part of an address behind its last `@`, if it is not too long for a domain. */
function endOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const at = value.lastIndexOf("@");
  // The length of the domain and of a `>` that closes the address.
  if (at === -1 || value.length - at > domainLimit + 2) return undefined;
  return value.slice(at + 1);
}

function providerOfEnd(end: string): string | undefined {
  const written = end.trim().replace(/>$/, "");
  if (written === "" || /[\s/?#:[\]\\%]/.test(written)) return undefined;
  const ascii = /^[\w.-]+$/.test(written) ? written : domainToASCII(written);
  const domain = ascii.toLowerCase().replace(/\.$/, "");
  if (!/^(?:[a-z\d_-]{1,63}\.)+[a-z][a-z\d-]{0,62}$/.test(domain)) return undefined;
  const wildcard = anyCountry(domain);
  return (
    byDomain.get(domain) ?? (wildcard === undefined ? domain : (byDomain.get(wildcard) ?? domain))
  );
}
