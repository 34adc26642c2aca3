import type { EventContext } from "../event.ts";
import { clip, anyCountry } from "./text.ts";

type Utm = NonNullable<EventContext["utm"]>;

export interface Page {
  /** Lower case, punycode, without port and final dot. */
  readonly host: string;
  /** Percent-encoded, without query and fragment, at most 512 characters. */
  readonly path: string;
  readonly utm?: Utm;
}

/** Only this many characters of a URL are read: common servers accept as many. */
export const urlLimit = 8_192;
const pathLimit = 512;
const utmLimit = 128;
/** RFC 1035, 2.3.4, less the final dot. */
const hostLimit = 253;

const utmParts = ["source", "medium", "campaign", "term", "content"] as const;

/**
 * Parses a URL within `urlLimit`. A longer one ends before the query parameter that the limit cuts.
 */
function parseUrl(text: string): URL | null {
  if (text.length <= urlLimit) return URL.parse(text);
  const cut = clip(text, urlLimit);
  const parameter = Math.max(cut.lastIndexOf("&"), cut.lastIndexOf("?"));
  return URL.parse(parameter === -1 ? cut : cut.slice(0, parameter));
}

/**
 * The host of a web address in the form that is compared and stored; `undefined` where it cannot be
 * a host.
 */
function hostOf(url: URL): string | undefined {
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  const host = url.hostname.endsWith(".") ? url.hostname.slice(0, -1) : url.hostname;
  return host === "" || host.length > hostLimit ? undefined : host;
}

/**
 * Host, path and campaign of `metadata.url`. `undefined` unless it is an absolute http or https
 * URL.
 */
export function readPage(value: unknown): Page | undefined {
  if (typeof value !== "string") return undefined;
  const url = parseUrl(value);
  const host = url === null ? undefined : hostOf(url);
  if (url === null || host === undefined) return undefined;
  const utm = readUtm(url);
  const page = { host, path: shortPath(url.pathname) };
  return utm === undefined ? page : { ...page, utm };
}

/** Never ends within a percent-escape. */
function shortPath(path: string): string {
  return path.length <= pathLimit ? path : path.slice(0, pathLimit).replace(/%[^%]?$/, "");
}

/**
 * The `utm_` parameters: the first of each name, without control characters, at most 128
 * characters. Links that were copied from HTML with their escapes, `&amp;utm_campaign=`, are read
 * as they were meant.
 */
function readUtm(url: URL): Utm | undefined {
  if (!url.search.includes("utm_")) return undefined;
  const parameters = new URLSearchParams(url.search.replace(/([?&])(?:amp;)+(?=utm_)/gi, "$1"));
  const utm: { -readonly [part in keyof Utm]: Utm[part] } = {};
  for (const part of utmParts) {
    const value = parameters.get(`utm_${part}`);
    if (value === null) continue;
    const clean = clip(value.replace(/\p{Cc}+/gu, " ").trim(), utmLimit);
    if (clean !== "") utm[part] = clean;
  }
  return Object.keys(utm).length === 0 ? undefined : utm;
}

type KnownReferrer = "search" | "social" | "mail";

/**
 * Who sends visitors, as the field sorts them (the categories of Snowplow's referer list and of
 * Google Analytics' default channels, less advertising):
 * - `search`: engines that answer queries over the web
 * - `social`: networks, forums, video sites and messengers where people share links
 * - `mail`: mailboxes read in a browser or an app
 *
 * `.*` stands for a country's ending (`anyCountry`).
 */
interface Sites {
  /** These domains with all their subdomains. */
  readonly domains: string;
  /**
   * These hosts alone, also with `www.` or `m.` before them: the owner's other hosts belong to
   * other kinds.
   */
  readonly hosts: string;
  /** Android apps, which send `android-app://` and their package's name. */
  readonly apps: string;
}

const sites: Readonly<Record<KnownReferrer, Sites>> = {
  search: {
    domains: `
      search.yahoo.* search.aol.* search.brave.com search.naver.com search.daum.net search.seznam.cz
      search.marginalia.nu search.lycos.* search.goo.ne.jp go.mail.ru duckduckgo.com bing.com ecosia.org
      qwant.com startpage.com ixquick.com baidu.com sogou.com so.com sm.cn ask.com kagi.com mojeek.com
      swisscows.com metager.* metager.org yep.com presearch.com presearch.org petalsearch.com coccoc.com
      dogpile.com metacrawler.com webcrawler.com excite.* lilo.org suche.t-online.de suche.gmx.net suche.web.de
      gibiru.com searx.be rambler.ru karmasearch.org`,
    hosts: `
      google.* images.google.* encrypted.google.com cse.google.* yandex.* ya.ru seznam.cz naver.com yahoo.co.jp`,
    apps: `
      com.google.android.googlequicksearchbox com.google.android.apps.searchlite com.microsoft.bing
      com.duckduckgo.mobile.android com.yandex.searchapp ru.yandex.searchplugin com.baidu.searchbox`,
  },
  social: {
    domains: `
      facebook.com fb.com fb.me messenger.com instagram.com threads.net threads.com t.co twitter.com x.com
      linkedin.com lnkd.in pinterest.* pin.it reddit.com redd.it youtube.com youtu.be tiktok.com snapchat.com
      tumblr.com vk.com vk.ru vkontakte.ru ok.ru odnoklassniki.ru my.mail.ru weibo.com weibo.cn
      xing.com quora.com medium.com bsky.app mastodon.social mastodon.online fosstodon.org mas.to
      news.ycombinator.com lobste.rs stackoverflow.com stackexchange.com github.com producthunt.com discord.com
      discordapp.com slack.com t.me telegram.me telegram.org web.telegram.org whatsapp.com wa.me line.me kakao.com
      story.kakao.com douban.com zhihu.com xiaohongshu.com douyin.com bilibili.com vimeo.com twitch.tv
      flickr.com meetup.com nextdoor.com disqus.com livejournal.com deviantart.com goodreads.com behance.net
      dribbble.com substack.com hatena.ne.jp mixi.jp teams.microsoft.com nebenan.de jodel.com`,
    hosts: "",
    apps: `
      com.facebook.katana com.facebook.lite com.facebook.orca com.instagram.android com.instagram.barcelona
      com.twitter.android com.linkedin.android com.pinterest com.reddit.frontpage com.google.android.youtube
      com.zhiliaoapp.musically com.snapchat.android com.tumblr com.vkontakte.android ru.ok.android com.discord
      com.slack org.telegram.messenger com.whatsapp jp.naver.line.android com.xing.android xyz.blueskyweb.app
      com.microsoft.teams org.joinmastodon.android`,
  },
  mail: {
    domains: `
      mail.google.com mail.yahoo.* mail.aol.* mail.live.com outlook.live.com outlook.office.com
      outlook.office365.com outlook.cloud.microsoft outlook.com hotmail.com mail.proton.me mail.protonmail.com
      mail.yandex.* e.mail.ru light.mail.ru mail.zoho.* fastmail.com app.fastmail.com mail.tuta.com
      mail.tutanota.com app.tuta.com deref-gmx.net deref-gmx.com deref-web-02.de deref-web.de deref-mail.com
      navigator-bs.gmx.net navigator-lxa.gmx.net 3c.gmx.net 3c.web.de mail.gmx.net email.t-online.de webmail.freenet.de
      mail.qq.com mail.163.com mail.126.com mail.naver.com mail.daum.net mail.kakao.com webmail.free.fr
      webmail.orange.fr mail01.orange.fr messagerie.orange.fr webmail.laposte.net mail.libero.it poczta.onet.pl
      poczta.wp.pl poczta.o2.pl poczta.interia.pl email.seznam.cz mail.rambler.ru mail.rediff.com hey.com
      app.hey.com mail.superhuman.com mail.mailbox.org webmail.posteo.de connect.xfinity.com mail.bt.com
      safelinks.protection.outlook.com urldefense.com urldefense.proofpoint.com linkprotect.cudasvc.com`,
    hosts: "icloud.com",
    apps: `
      com.google.android.gm com.google.android.gm.lite com.microsoft.office.outlook com.yahoo.mobile.client.android.mail
      com.aol.mobile.aolapp ch.protonmail.android com.fsck.k9 net.thunderbird.android com.samsung.android.email.provider
      ru.mail.mailapp ru.yandex.mail com.readdle.spark de.gmx.mobile.android.mail de.web.mobile.android.mail
      com.fastmail.app de.tutao.tutanota me.bluemail.mail eu.faircode.email`,
  },
};

const kinds = Object.keys(sites) as readonly KnownReferrer[];

function index(part: keyof Sites): ReadonlyMap<string, KnownReferrer> {
  return new Map(
    kinds.flatMap((kind) =>
      sites[kind][part]
        .split(/\s+/)
        .filter((name) => name !== "")
        .map((name) => [name, kind] as const),
    ),
  );
}

const knownDomains = index("domains");
const knownHosts = index("hosts");
const knownApps = index("apps");

export type Referrer = NonNullable<EventContext["referrer"]>;

/** No list names a host with more labels; a longer one is looked up by its last ones. */
const labelLimit = 8;

/**
 * Where a visitor came from, of `metadata.referrer` and the page's host.
 * - `direct`: an empty referrer, or none on an event that has a page
 * - `internal`: the page's own host, or the one is a subdomain of the other; `www.` and ports do
 *   not count
 * - `search`, `social`, `mail`: the lists of this file
 * - `other`: any other site or Android app
 * - `undefined`: neither referrer nor page, or a referrer that is no http, https or android-app URL
 */
export function referrerOf(value: unknown, pageHost: string | undefined): Referrer | undefined {
  if (value === undefined || value === null) return pageHost === undefined ? undefined : "direct";
  if (typeof value !== "string") return undefined;
  if (value === "") return "direct";
  const url = parseUrl(value);
  if (url === null) return undefined;
  if (url.protocol === "android-app:") return knownApps.get(url.hostname) ?? "other";
  const host = hostOf(url);
  if (host === undefined) return undefined;
  if (pageHost !== undefined && sameSite(host, pageHost)) return "internal";
  return classOf(host) ?? "other";
}

function sameSite(a: string, b: string): boolean {
  const [one, two] = [withoutWww(a), withoutWww(b)];
  return one === two || one.endsWith(`.${two}`) || two.endsWith(`.${one}`);
}

function withoutWww(host: string): string {
  return host.startsWith("www.") ? host.slice(4) : host;
}

/** The most specific entry wins: `mail.google.com` is mail though `google.com` is search. */
function classOf(host: string): KnownReferrer | undefined {
  const alone = host.replace(/^(?:www|m)\./, "");
  const exact = lookUp(knownHosts, alone);
  if (exact !== undefined) return exact;
  const labels = host.split(".").slice(-labelLimit);
  for (; labels.length >= 2; labels.shift()) {
    const found = lookUp(knownDomains, labels.join("."));
    if (found !== undefined) return found;
  }
  return undefined;
}

function lookUp(
  list: ReadonlyMap<string, KnownReferrer>,
  domain: string,
): KnownReferrer | undefined {
  const known = list.get(domain);
  if (known !== undefined) return known;
  const wildcard = anyCountry(domain);
  return wildcard === undefined ? undefined : list.get(wildcard);
}
