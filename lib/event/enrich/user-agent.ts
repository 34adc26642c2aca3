import Bowser from "bowser";
import { isbot } from "isbot";
import type { EventContext } from "../event.ts";
import { LRUCache } from "lru-cache";
import { clip } from "./text.ts";

/** The findings from a user agent. */
export interface Client extends Software {
  readonly device: Device;
  readonly bot: boolean;
  readonly mailFetcher?: MailFetcher;
}

/** Only this many characters of a user agent are read. Real ones stay below 500. */
export const userAgentLimit = 1_024;

/**
 * Longer user agents are not cached: no real client repeats them, and the cache's memory stays
 * bounded.
 */
const longestCached = 512;

/** Reads a user agent without a cache. Its length must be bounded: the cost grows with it. */
export function readClient(userAgent: string): Client {
  const mailFetcher = mailFetcherOf(userAgent);
  const bot = mailFetcher !== undefined || isBot(userAgent);
  const client = { ...readSoftware(userAgent), device: deviceOf(userAgent, bot), bot };
  return mailFetcher === undefined ? client : { ...client, mailFetcher };
}

/**
 * Returns a reader that remembers the user agents it saw last. Reading one takes about 25 µs, a
 * cached one less than 1 µs, and a day's events come from some thousands of user agents.
 * @param capacity how many are remembered, each of at most 512 characters
 * @param read reads the others; it gets at most `userAgentLimit` characters
 */
export function clientReader(
  capacity = 5_000,
  read: (userAgent: string) => Client = readClient,
): (userAgent: string) => Client {
  const seen = new LRUCache<string, Client>({ max: capacity });
  return (userAgent) => {
    if (userAgent.length > longestCached) return read(clip(userAgent, userAgentLimit));
    const known = seen.get(userAgent);
    if (known !== undefined) return known;
    const client = read(userAgent);
    seen.set(userAgent, client);
    return client;
  };
}

/** The software that a user agent names. */
interface Software {
  readonly browser?: string;
  /** Major and minor version, for example `17.4`. */
  readonly browserVersion?: string;
  readonly os?: string;
}

/** Mail programs whose engine would be taken for a browser. */
const mailPrograms: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Thunderbird", /\bThunderbird\/(\d+)/],
  ["Outlook", /\bMicrosoft Outlook[ /](\d+)|\bms-office\b|^Outlook-(?:iOS|Android)\//],
];

/**
 * Browsers that bowser mistakes for the browser that they are built on, or whose version it reads
 * from another part of the user agent (`Version/4.0` of Android's WebView): the name, and a pattern
 * with the browser's own version.
 */
const ownBrowsers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["UC Browser", /\bUC?Browser\/([\d.]+)/],
  ["NAVER Whale Browser", /\bWhale\/([\d.]+)/],
  ["MIUI Browser", /\bMiuiBrowser\/([\d.]+)/],
  ["Mint Browser", /\bMint Browser\/([\d.]+)/],
  ["Huawei Browser", /\b(?:Huawei|HONOR)Browser\/([\d.]+)/i],
  ["OPPO Browser", /\bOppoBrowser\/([\d.]+)/i],
  ["Opera Mini", /\bOpera Mini\/([\d.]+)/],
  ["Opera Touch", /\bOPT\/([\d.]+)/],
  ["Opera GX", /\bOPX\/([\d.]+)/],
  ["DuckDuckGo", /\bDuckDuckGo\/([\d.]+)/],
  ["Coc Coc", /\bcoc_coc_browser\/([\d.]+)/],
  ["360 Browser", /\b(?:QihooBrowser|QHBrowser)\/([\d.]+)/],
  ["Quark", /\bQuark\/([\d.]+)/],
  ["Baidu", /\b(?:baiduboxapp|baidubrowser|BIDUBrowser)[/ ]([\d.]+)/i],
  ["Sogou Browser", /\bSogouMobileBrowser\/([\d.]+)|\bSE (\d+)\.X MetaSr\b/],
  ["Seznam Browser", /\bSznProhlizec\/([\d.]+)/],
  ["Avast Secure Browser", /\bAvast\/([\d.]+)/],
  ["AVG Secure Browser", /\bAVG\/([\d.]+)/],
  ["Phoenix Browser", /\bPHX\/([\d.]+)/],
  ["Waterfox", /\bWaterfox\/G?([\d.]+)/],
  ["Focus", /\b(?:Focus|Klar)\/([\d.]+)/],
  ["Konqueror", /\bKonqueror\/([\d.]+)/],
];

const programs = [...mailPrograms, ...ownBrowsers];

/**
 * bowser names an unknown browser by a piece of the user agent. Only names from its own tables and
 * from these are kept, so the values are a small closed set, whatever clients send.
 */
const browsers: ReadonlySet<string> = new Set([
  ...Object.values(Bowser.BROWSER_MAP),
  ...programs.map(([name]) => name),
]);
const systems: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP));

/**
 * Browser and operating system of a user agent. A field that is not recognised is absent. Never
 * throws. The caller bounds the length: some patterns backtrack over it.
 */
export function readSoftware(userAgent: string): Software {
  if (userAgent === "") return {};
  // Lazy parsing: engine and platform, the other half of bowser's work, are not needed.
  const parser = Bowser.getParser(userAgent, true);
  const os = parser.getOS().name;
  const software: { browser?: string; browserVersion?: string; os?: string } = {};
  if (os !== undefined && systems.has(os)) software.os = os;

  const { name, version } = named(userAgent) ?? parser.getBrowser();
  if (name === undefined || !browsers.has(name)) return software;
  software.browser = name;
  const short = /^\d{1,5}(?:\.\d{1,5})?/.exec(version ?? "")?.[0];
  if (short !== undefined) software.browserVersion = short;
  return software;
}

/** Finds a program of these lists. */
function named(
  userAgent: string,
): { readonly name: string; readonly version?: string } | undefined {
  for (const [name, pattern] of programs) {
    const match = pattern.exec(userAgent);
    if (match !== null) return { name, version: match[1] ?? match[2] };
  }
  return undefined;
}

/** Automation that isbot lets through: libraries, page testers and mail security services. */
const automation =
  /dart:io|puppeteer|webdriver|barracuda|proofpoint|mimecast|messagelabs|safelinks|gtmetrix|miniature\.io|\bYLT\b|turingos/i;

/** Mail apps of people that isbot takes for scripts, since they name themselves like one. */
const mailApps = /^(?:Outlook-(?:iOS|Android)|YahooMobileMail)\//;

/**
 * Whether a user agent is a crawler, a monitor, a headless browser or an HTTP library. It knows
 * only what the user agent admits: an imitation of a browser passes. The caller bounds the length.
 * Measured by `test/unit/event/enrich/user-agent-bot.test.ts`: it recognises 99.7 % of the 2,118
 * crawlers of the public list `crawler-user-agents`, and takes none of the 10,000 browser profiles
 * of `user-agents` for a bot.
 */
export function isBot(userAgent: string): boolean {
  if (mailApps.test(userAgent)) return false;
  return isbot(userAgent) || automation.test(userAgent);
}

type Device = NonNullable<EventContext["device"]>;

/**
 * Televisions, sticks and consoles. They are matched before phones and tablets, whose marks they
 * carry as well.
 */
const tv =
  /smart-?tv|hbbtv|netcast|nettv|web0s|google ?tv|android ?tv|apple ?tv|bravia|crkey|\bviera\b|\broku|\bAFT[A-Z]{1,5}\b|\btv safari\b|playstation|\bxbox\b|nintendo (?:switch|wii)/i;

const tablet = /ipad|tablet(?! pc)|playbook|\bkindle\b|\bsilk\/|\bKF[A-Z]{2,5}\b/i;

/** `Mobi` is what Mozilla advises to look for; the rest are systems that do not say it. */
const mobile =
  /mobi|iphone|ipod|windows phone|iemobile|blackberry|\bbb10\b|kaios|opera mini|\bmidp\b|j2me|symbian|dalvik|Outlook-(?:iOS|Android)/i;

const desktop = /windows|macintosh|mac os x|x11|\bcros\b|linux|bsd\b|ubuntu/i;

/**
 * The class of device a user agent runs on. An iPad that asks for desktop sites cannot be told from
 * a Mac. An Android browser without `Mobile` is a tablet's, as Chrome's documentation of its user
 * agents has it. The caller bounds the length.
 */
export function deviceOf(userAgent: string, bot: boolean): Device {
  if (bot) return "bot";
  if (tv.test(userAgent)) return "tv";
  if (tablet.test(userAgent)) return "tablet";
  if (mobile.test(userAgent)) return "mobile";
  if (/android/i.test(userAgent)) return "tablet";
  return desktop.test(userAgent) ? "desktop" : "other";
}

/**
 * A machine that fetches the pictures or links of a mail:
 * - `prefetch`: on delivery, whether anyone reads the mail or not
 * - `proxy`: for a reader, in place of the reader's own program
 * - `scanner`: to look for malice
 */
type MailFetcher = "prefetch" | "proxy" | "scanner";

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
