import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";
import type { JsonObject } from "../event.ts";

const { IPv4, IPv6 } = ipaddr;

/** An address, read. */
export interface Address {
  /**
   * Whole, in canonical form: dotted IPv4, or IPv6 as RFC 5952 writes it. A mapped IPv4 address is
   * IPv4.
   */
  readonly full: string;
  /** The network: IPv4 /24, IPv6 /48, 6to4 /40. This is what is stored. */
  readonly truncated: string;
  /** False for private, local, reserved and documentation addresses, which have no country. */
  readonly global: boolean;
}

/** Longer than any address with a zone and a port. */
const longestAddress = 64;
/** Only this much of a list is read: no chain of proxies is longer. */
const longestList = 1_024;

/**
 * Reads an IPv4 or IPv6 address. Spaces around it, brackets, a port and a zone id are dropped. Of a
 * list, as in `X-Forwarded-For` and `Forwarded`, it reads the first address, which is the client's.
 * @returns `undefined` for everything else; octets with leading zeros are ambiguous and refused
 */
export function readAddress(value: unknown): Address | undefined {
  if (typeof value !== "string") return undefined;
  if (value.length <= longestAddress) {
    const address = parse(value) ?? parse(bare(value.trim()));
    if (address !== undefined) return address;
  }
  if (!/[,;="]/.test(value)) return undefined;
  for (const item of value.slice(0, longestList).split(/[,;]/)) {
    const text = /^\s*(?:for=)?"?([^"=]*)"?\s*$/i.exec(item)?.[1] ?? "";
    const address = text.length <= longestAddress ? parse(bare(text.trim())) : undefined;
    if (address !== undefined) return address;
  }
  return undefined;
}

/**
 * Returns a `readAddress` that remembers the addresses it saw last. Reading one takes up to 10 µs,
 * a cached one less than 1.
 */
export function addressReader(capacity = 10_000): (value: unknown) => Address | undefined {
  const seen = new LRUCache<string, { readonly address: Address | undefined }>({ max: capacity });
  return (value) => {
    if (typeof value !== "string" || value.length > longestAddress) return readAddress(value);
    const known = seen.get(value);
    if (known !== undefined) return known.address;
    const address = readAddress(value);
    seen.set(value, { address });
    return address;
  };
}

function parse(text: string): Address | undefined {
  if (IPv4.isValidFourPartDecimal(text)) return addressOf4(IPv4.parse(text));
  const inHex = text.includes(":") && !text.includes("%") ? withoutDots(text) : undefined;
  if (inHex === undefined || !IPv6.isValid(inHex)) return undefined;
  const address = IPv6.parse(inHex);
  return address.isIPv4MappedAddress() ? addressOf4(address.toIPv4Address()) : addressOf6(address);
}

/**
 * An IPv6 address whose dotted end is written in hexadecimal. The library takes octal numbers
 * there, and reads `::192.0.2.33` as `::ffff:192.0.2.33`.
 */
function withoutDots(text: string): string | undefined {
  if (!text.includes(".")) return text;
  const dotted = text.slice(text.lastIndexOf(":") + 1);
  if (!IPv4.isValidFourPartDecimal(dotted)) return undefined;
  const [a, b, c, d] = IPv4.parse(dotted).octets as [number, number, number, number];
  const groups = [a * 256 + b, c * 256 + d].map((group) => group.toString(16));
  return text.slice(0, -dotted.length) + groups.join(":");
}

/** The address without brackets, port and zone. */
function bare(text: string): string {
  const bracketed = /^\[([^[\]]*)\](?::\d{1,5})?$/.exec(text)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1];
  return (bracketed ?? withPort ?? text).replace(/(:.*)%[\w.~-]+$/, "$1");
}

function addressOf4(address: ipaddr.IPv4): Address {
  const [a, b, c] = address.octets as [number, number, number, number];
  return {
    full: address.toString(),
    truncated: `${a}.${b}.${c}.0`,
    global: address.range() === "unicast",
  };
}

function addressOf6(address: ipaddr.IPv6): Address {
  const [a, b, c] = address.parts as [number, number, number, ...number[]];
  const range = address.range();
  // 6to4 (RFC 3056) carries a whole IPv4 address in its first 48 bits: of that too only the /24 is
  // kept.
  const third = range === "6to4" ? c & 0xff00 : c;
  return {
    full: address.toRFC5952String(),
    truncated: new IPv6([a, b, third, 0, 0, 0, 0, 0]).toRFC5952String(),
    // Outside 2000::/3 the library calls addresses unicast that IANA has not assigned.
    global: (a & 0xe000) === 0x2000 && (range === "unicast" || range === "6to4"),
  };
}

/** The origin of an event, in the form that may be stored. */
export interface Origin {
  /** The address as it is stored; absent where the sender's text is no address. */
  readonly ip?: string;
  /** ISO 3166-1 alpha-2; `null` where the address is in no country. */
  readonly country: string | null;
}

export interface OriginTools {
  /** The country of an address in canonical form, ISO 3166-1 alpha-2 in upper case. */
  readonly countryOf: (ip: string) => string | undefined;
  /** Whether addresses are stored whole. They are put in canonical form all the same. */
  readonly fullIp: boolean;
  /** `readAddress`, or a reader that remembers. */
  readonly addressOf?: (ip: unknown) => Address | undefined;
}

/**
 * The origin of an address as the client sent it. The country is looked up before the address is
 * truncated.
 */
export function originOf(ip: unknown, tools: OriginTools): Origin {
  const { countryOf, fullIp, addressOf = readAddress } = tools;
  const address = addressOf(ip);
  if (address === undefined) return { country: null };
  return {
    ip: fullIp ? address.full : address.truncated,
    country: (address.global ? countryOf(address.full) : undefined) ?? null,
  };
}

/**
 * Returns an `originOf` that remembers the addresses it saw last, in memory only. Reading and
 * looking one up takes about 4 µs, a cached one less than 1 µs, and a visitor's events come one
 * after the other.
 */
export function originReader(tools: OriginTools, capacity = 10_000): (ip: string) => Origin {
  const seen = new LRUCache<string, Origin>({ max: capacity });
  return (ip) => {
    if (ip.length > longestAddress) return originOf(ip, tools);
    const known = seen.get(ip);
    if (known !== undefined) return known;
    const origin = originOf(ip, tools);
    seen.set(ip, origin);
    return origin;
  };
}

/** Replaces the address that a client sent by the one that is stored, or removes it. */
export function withAddress(metadata: JsonObject, ip: string | undefined): JsonObject {
  if (!Object.hasOwn(metadata, "ip")) return metadata;
  if (ip !== undefined) return { ...metadata, ip };
  const { ip: _ip, ...others } = metadata;
  return others;
}
