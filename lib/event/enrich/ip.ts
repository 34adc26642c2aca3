/** An address, read. */
export interface Address {
  /** Whole, in canonical form: dotted IPv4, or IPv6 as RFC 5952 writes it. A mapped IPv4 address is IPv4. */
  readonly full: string;
  /** The network: IPv4 /24, IPv6 /48, 6to4 /40. This is what is stored. */
  readonly truncated: string;
  /** False for private, local, reserved and documentation addresses, which have no country. */
  readonly global: boolean;
}

/** Longer than any address with a zone and a port. */
export const longestAddress = 64;
/** Of a list so much is looked at: no chain of proxies is longer. */
const longestList = 1_024;
const dot = 46;

/**
 * Read an IPv4 or IPv6 address. Spaces around it, brackets, a port and a zone id are dropped. Of a list, as
 * `X-Forwarded-For` and `Forwarded` have them, it is the first address: that of the client.
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

function parse(text: string): Address | undefined {
  const octets = parseIPv4(text);
  if (octets !== undefined) return addressOf4(octets);
  const groups = parseIPv6(text);
  return groups === undefined ? undefined : addressOf6(groups);
}

/** Without brackets, port and zone. */
function bare(text: string): string {
  const bracketed = /^\[([^[\]]*)\](?::\d{1,5})?$/.exec(text)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1];
  return (bracketed ?? withPort ?? text).replace(/(:.*)%[\w.~-]+$/, "$1");
}

/** Character by character: every event with an address waits for it. */
function parseIPv4(text: string): readonly number[] | undefined {
  if (text.length > 15) return undefined;
  const octets: number[] = [];
  let octet = -1;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : dot;
    if (code === dot) {
      if (octet < 0 || octets.push(octet) > 4) return undefined;
      octet = -1;
    } else {
      const digit = code - 48;
      // No digit follows a zero that leads.
      if (digit < 0 || digit > 9 || octet === 0) return undefined;
      octet = octet < 0 ? digit : octet * 10 + digit;
      if (octet > 255) return undefined;
    }
  }
  return octets.length === 4 ? octets : undefined;
}

/** Eight groups of 16 bits (RFC 4291, 2.2). */
function parseIPv6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** One side of `::`. Only the last of an address may end in dotted IPv4. */
function parseGroups(half: string, last: boolean): readonly number[] | undefined {
  if (half === "") return [];
  const groups: number[] = [];
  const parts = half.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const octets = last && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (octets === undefined) return undefined;
    const [a, b, c, d] = octets as [number, number, number, number];
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}

function addressOf4(octets: readonly number[]): Address {
  const [a, b, c] = octets as [number, number, number, number];
  return {
    full: octets.join("."),
    truncated: `${a}.${b}.${c}.0`,
    global: isGlobal4(a, b, c),
  };
}

function addressOf6(groups: readonly number[]): Address {
  const [a, b, c, d, e, f, g, h] = groups as readonly [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff) {
    return addressOf4([g >> 8, g & 255, h >> 8, h & 255]);
  }
  // 6to4 (RFC 3056) carries a whole IPv4 address in its first 48 bits: of that too only the /24 is kept.
  const third = a === 0x2002 ? c & 0xff00 : c;
  return {
    full: format6(groups),
    truncated: format6([a, b, third, 0, 0, 0, 0, 0]),
    global: isGlobal6(a, b),
  };
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function format6(groups: readonly number[]): string {
  let from = 0;
  let length = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > length) [from, length] = [start, end - start];
    start = Math.max(start, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (length === 1) return hex.join(":");
  return `${hex.slice(0, from).join(":")}::${hex.slice(from + length).join(":")}`;
}

/** IANA's registry of special-purpose IPv4 addresses (RFC 6890), and multicast. */
function isGlobal4(a: number, b: number, c: number): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100) return b < 64 || b > 127;
  if (a === 169) return b !== 254;
  if (a === 172) return b < 16 || b > 31;
  if (a === 192) return !(b === 168 || (b === 0 && (c === 0 || c === 2)));
  if (a === 198) return !(b === 18 || b === 19 || (b === 51 && c === 100));
  return !(a === 203 && b === 0 && c === 113);
}

/** Global unicast (2000::/3) without the documentation networks (RFC 3849, RFC 9637). */
function isGlobal6(a: number, b: number): boolean {
  const documentation = (a === 0x2001 && b === 0xdb8) || (a === 0x3fff && b < 0x1000);
  return (a & 0xe000) === 0x2000 && !documentation;
}
