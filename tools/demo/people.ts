import { company, countries, mailboxDomain, addressIn, type Country } from "./countries.ts";
import { browser, mailProgram, scanners, type MailProgram } from "./mail-programs.ts";
import { seeded, weighted } from "./random.ts";

/** A recipient. */
export interface Person {
  readonly userId: string;
  readonly recipient: string;
  readonly country: Country;
  readonly program: MailProgram;
  /** Looks at each mail on its arrival; companies have such. */
  readonly scanner?: MailProgram;
  readonly browser: string;
  readonly ip: string;
  /** How likely this person reads and clicks, against the average of 1. */
  readonly interest: number;
}

const firstNames =
  "anna ben carla david elena felix greta hugo ines jonas klara leo maria nils olivia paul rosa simon tess victor".split(
    " ",
  );
const lastNames =
  "arnold becker costa dubois evans fischer garcia hansen ito jansen keller lopez meyer novak olsen peters rossi silva tanaka weber".split(
    " ",
  );

/**
 * Companies, two of them behind a mail gateway. Their domains end in `.example`, which nobody can
 * own (RFC 2606).
 */
const companies: readonly { readonly name: string; readonly scanner?: MailProgram }[] = [
  { name: "northwind", scanner: scanners[0] },
  { name: "contoso", scanner: scanners[1] },
  ..."fabrikam litware adatum proseware tailspin wingtip woodgrove lamna"
    .split(" ")
    .map((name) => ({ name })),
];

const peopleStream = 1;
const countryOf = weighted(countries);
const interestOf = weighted([
  [0.15, 35],
  [0.8, 35],
  [2, 20],
  [2.8, 10],
]);

/** The n-th recipient of a seed: always the same one. */
export function person(seed: number, index: number): Person {
  const random = seeded(seed, peopleStream, index);
  const country = countryOf(random);
  const domain = mailboxDomain(country.code, random);
  const atWork = domain === company;
  const employer = companies[random.below(companies.length)]!;
  const first = firstNames[random.below(firstNames.length)]!;
  const last = lastNames[random.below(lastNames.length)]!;
  const program = mailProgram(domain, atWork, random);
  return {
    userId: `u${index}`,
    recipient: `${first}.${last}.${index}@${atWork ? `${employer.name}.example` : domain}`,
    country,
    program,
    scanner: atWork ? employer.scanner : undefined,
    browser: browser(program.loads === "relay", random),
    ip: addressIn(country.networks, random),
    interest: interestOf(random),
  };
}
