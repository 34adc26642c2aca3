/**
 * A machine that fetches the pictures or links of a mail:
 * - `prefetch`: on delivery, whether anyone reads the mail or not
 * - `proxy`: for a reader, in place of the reader's own program
 * - `scanner`: to look for malice
 */
export type MailFetcher = "prefetch" | "proxy" | "scanner";

/**
 * Apple Mail with Mail Privacy Protection (iOS 15 and macOS 12, September 2021) loads all remote
 * content soon after delivery through two relays. Seen from outside: the user agent is these words
 * and no more, there is no referrer, and the address is one of the egress ranges that Apple
 * publishes, which tells a region at best. The address is no part of the test: Private Relay's
 * browsers share those ranges. Apple Mail without the protection names the system and WebKit, and
 * is a person.
 */
const applePrivacyRelay = /^Mozilla\/[45]\.0$/;

/** Gmail's scan on delivery: a browser of 2015 with a second `Mozilla/5.0` at its end. */
const gmailPrefetch = / Edge\/12\.246 Mozilla\/5\.0$/;

/**
 * Gmail's (since December 2013), Yahoo's and AOL's, and Outlook's picture proxies. They fetch when
 * the mail is opened, mostly once for each picture, and hide the reader's device, address and later
 * opens.
 */
const imageProxy = /GoogleImageProxy|YahooMailProxy|YahooCacheSystem|OutlookImageProxy/i;

/**
 * Gateways that open and click before the recipient can, and Office's own link checks. Only a
 * minority names itself: most run a browser with an ordinary user agent from a cloud's address, and
 * a single event does not show that.
 */
const scanner =
  /barracuda|mimecast|proofpoint|messagelabs|symantec|safelinks|forcepoint|fireeye|trend ?micro|cloudmark|sophos|BingPreview|(?:Existence|Protocol) Discovery/i;

/** Which kind of mail fetcher a user agent belongs to, if any. The caller bounds the length. */
export function mailFetcherOf(userAgent: string): MailFetcher | undefined {
  if (applePrivacyRelay.test(userAgent) || gmailPrefetch.test(userAgent)) return "prefetch";
  if (imageProxy.test(userAgent)) return "proxy";
  return scanner.test(userAgent) ? "scanner" : undefined;
}
