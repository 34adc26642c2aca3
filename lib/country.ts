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
 * Returns a reader of countries, ISO 3166-1 alpha-2 in upper case, by address in canonical form. It
 * loads the database (7.8 MB) at the first look-up and keeps it as one buffer; a look-up takes
 * about 2 µs. Where the file cannot be read, the process warns once and no address has a country:
 * events are worth more than their countries.
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
    // The cache holds the records, some 250, not the addresses.
    const reader = new Reader<CountryResponse>(readFileSync(file), { cache: new Map() });
    return (ip) => reader.get(ip) as CountryRecord | null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`Events get no country: ${fileURLToPath(file)} cannot be read: ${reason}`);
    return () => null;
  }
}
