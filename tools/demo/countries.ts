import { weighted, type Random } from "./random.ts";

/** Where recipients live. */
export interface Country {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  readonly locale: string;
  /** Hours east of UTC, without daylight saving time: the demo needs nights, not clocks. */
  readonly utcOffset: number;
  /**
   * The first two octets of networks of large access providers, checked against the country
   * database.
   */
  readonly networks: readonly string[];
  /** Mailbox domains that are common there and nowhere else, beside `worldwide`. */
  readonly mailboxes: readonly (readonly [domain: string, weight: number])[];
}

function country(
  code: string,
  locale: string,
  utcOffset: number,
  networks: string,
  mailboxes: Country["mailboxes"] = [],
): Country {
  return { code, locale, utcOffset, networks: networks.split(" "), mailboxes };
}

/** With their weights: a European sender with readers overseas. */
export const countries: readonly (readonly [Country, number])[] = [
  [
    country("DE", "de-DE", 1, "84.128 87.128 79.192 93.192 91.0", [
      ["gmx.de", 22],
      ["web.de", 20],
      ["t-online.de", 9],
      ["freenet.de", 2],
    ]),
    26,
  ],
  [country("US", "en-US", -5, "73.0 98.192 24.0 71.192 107.128", [["comcast.net", 3]]), 22],
  [country("GB", "en-GB", 0, "86.128 81.128 82.0 90.192", [["btinternet.com", 5]]), 10],
  [
    country("FR", "fr-FR", 1, "90.0 86.192 78.192 92.128", [
      ["orange.fr", 18],
      ["free.fr", 10],
      ["laposte.net", 5],
    ]),
    8,
  ],
  [country("NL", "nl-NL", 1, "84.24 77.160 83.80"), 5],
  [country("IT", "it-IT", 1, "79.0 87.0 95.224 151.32", [["libero.it", 22]]), 5],
  [country("ES", "es-ES", 1, "83.32 88.0 80.24 79.144"), 4],
  [country("AT", "de-AT", 1, "80.108 62.178 91.112", [["gmx.at", 16]]), 4],
  [country("CH", "de-CH", 1, "178.192 85.0 83.76"), 3],
  [country("PL", "pl-PL", 1, "83.0 79.184 178.36"), 3],
  [country("SE", "sv-SE", 1, "90.224 78.64 81.224"), 2],
  [country("CA", "en-CA", -5, "70.24 24.80 99.224 184.144"), 2],
  [country("BR", "pt-BR", -3, "177.32 189.0 179.208", [["uol.com.br", 8]]), 2],
  [country("IN", "en-IN", 5.5, "49.32 106.192 117.192", [["rediffmail.com", 3]]), 2],
  [country("AU", "en-AU", 10, "1.120 58.160 101.160"), 1],
  [country("JP", "ja-JP", 9, "126.0 60.64 221.16"), 1],
];

/** A public address in one of these /16 networks, never its first or last. */
export function addressIn(networks: readonly string[], random: Random): string {
  const network = networks[random.below(networks.length)]!;
  return `${network}.${random.below(256)}.${1 + random.below(254)}`;
}

/** Mailbox domains that are common everywhere. Companies have a domain of their own. */
export const company = "company";
const worldwide: Country["mailboxes"] = [
  ["gmail.com", 42],
  [company, 16],
  ["outlook.com", 8],
  ["hotmail.com", 7],
  ["yahoo.com", 8],
  ["icloud.com", 8],
  ["aol.com", 1.5],
  ["proton.me", 2],
];

const byCountry = new Map(
  countries.map(([{ code, mailboxes }]) => [code, weighted([...worldwide, ...mailboxes])]),
);

/** A mailbox domain, or `company`. */
export function mailboxDomain(code: string, random: Random): string {
  return byCountry.get(code)!(random);
}
