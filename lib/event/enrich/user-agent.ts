import Bowser from "bowser";
import { ownBrowsers } from "./own-browsers.ts";

/** What a user agent says about the software it names. */
export interface Software {
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
