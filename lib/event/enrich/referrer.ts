import type { EventContext } from "../event.ts";
import { hostOf, parseUrl } from "./page.ts";
import { knownApps, knownDomains, knownHosts, type KnownReferrer } from "./referrer-sites.ts";
import { anyCountry } from "./text.ts";

export type Referrer = NonNullable<EventContext["referrer"]>;

/** No list names a host with more labels; a longer one is looked up by its last ones. */
const labelLimit = 8;

/**
 * Where a visitor came from, of `metadata.referrer` and the page's host.
 * - `direct`: an empty referrer, or none on an event that has a page
 * - `internal`: the page's own host, or the one is a subdomain of the other; `www.` and ports do
 *   not count
 * - `search`, `social`, `mail`: the lists of `referrer-sites.ts`
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
