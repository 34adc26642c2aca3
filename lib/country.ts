import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Reader, type CountryResponse } from "mmdb-lib";

const database = new URL(
  import.meta.resolve("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"),
);

/** This database's records hold nothing but the code. */
interface CountryRecord {
  readonly country_code?: string;
}

/**
 * A reader of countries, ISO 3166-1 alpha-2 in upper case, by address in canonical form. The
 * database (7.8 MB) is read on the first question and kept as one buffer; a question takes about 2
 * µs. Where it cannot be read, the process is warned once and no address has a country: events are
 * worth more than their countries.
 */
export function countryReader(file: URL = database): (ip: string) => string | undefined {
  let countries: ((ip: string) => CountryRecord | null) | undefined;
  return (ip) => {
    countries ??= open(file);
    const code = countries(ip)?.country_code;
    return code !== undefined && /^[A-Z]{2}$/.test(code) ? code : undefined;
  };
}

function open(file: URL): (ip: string) => CountryRecord | null {
  try {
    // The cache is by record, of which there are some 250, not by address.
    const reader = new Reader<CountryResponse>(readFileSync(file), { cache: new Map() });
    return (ip) => reader.get(ip) as CountryRecord | null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`Events get no country: ${fileURLToPath(file)} cannot be read: ${reason}`);
    return () => null;
  }
}
