import type { EventContext } from "../event.ts";
import { clip } from "./text.ts";

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
export function parseUrl(text: string): URL | null {
  if (text.length <= urlLimit) return URL.parse(text);
  const cut = clip(text, urlLimit);
  const parameter = Math.max(cut.lastIndexOf("&"), cut.lastIndexOf("?"));
  return URL.parse(parameter === -1 ? cut : cut.slice(0, parameter));
}

/**
 * The host of a web address in the form that is compared and stored; `undefined` where it cannot be
 * a host.
 */
export function hostOf(url: URL): string | undefined {
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
