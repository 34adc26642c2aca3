import UserAgent from "user-agents";
import { weighted, type Random } from "./random.ts";

/**
 * What loads a mail's pictures, which is all that an open is known by:
 * - `relay`: Apple Mail with Mail Privacy Protection, soon after delivery, read or not
 * - `proxy`: the mailbox provider, once, when the mail is read
 * - `own`: the reader's own program, each time
 */
export interface MailProgram {
  readonly loads: "relay" | "proxy" | "own";
  /** The user agent of opens; `undefined` where the mail is read in the person's browser. */
  readonly userAgent?: string;
  /** The networks of a proxy or relay; people use those of their home. */
  readonly networks?: readonly string[];
  /** What a browser that comes from there calls its referrer, if anything. */
  readonly referrer?: string;
}

const applePrivacy: MailProgram = {
  loads: "relay",
  userAgent: "Mozilla/5.0",
  networks: ["172.224"],
};
const gmail: MailProgram = {
  loads: "proxy",
  userAgent:
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
  networks: ["74.125"],
  referrer: "android-app://com.google.android.gm",
};
const yahoo: MailProgram = {
  loads: "proxy",
  userAgent: "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
  networks: ["98.136"],
  referrer: "https://mail.yahoo.com/",
};
const outlookDesktop: MailProgram = {
  loads: "own",
  userAgent: "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
};
const appleMail: MailProgram = {
  loads: "own",
  userAgent:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
};
const thunderbird: MailProgram = {
  loads: "own",
  userAgent:
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.6.0",
};
const webmail = (referrer?: string): MailProgram => ({ loads: "own", referrer });

/** What people of a mailbox domain read with, apart from Apple's programs. */
const usual: Readonly<Record<string, MailProgram>> = {
  "gmail.com": gmail,
  "yahoo.com": yahoo,
  "aol.com": yahoo,
  "outlook.com": webmail("https://outlook.live.com/"),
  "hotmail.com": webmail("https://outlook.live.com/"),
  "gmx.de": webmail("https://deref-gmx.net/"),
  "gmx.at": webmail("https://deref-gmx.net/"),
  "web.de": webmail("https://deref-web.de/"),
  "orange.fr": webmail("https://webmail.orange.fr/"),
};

/**
 * The share of a domain's people who read with Apple Mail and its privacy on. Apple's relays make
 * about half of all opens that senders see (Litmus, email client market share, 2022 and later), as
 * they open nearly every mail while people open a fifth.
 */
const appleShare: Readonly<Record<string, number>> = {
  "icloud.com": 0.9,
  "gmail.com": 0.2,
  "yahoo.com": 0.3,
};
const appleShareElsewhere = 0.25;

/** The program that someone with a mailbox of this domain reads mails with. */
export function mailProgram(domain: string, atWork: boolean, random: Random): MailProgram {
  if (random.chance(appleShare[domain] ?? appleShareElsewhere)) return applePrivacy;
  if (atWork && random.chance(0.6)) return outlookDesktop;
  if (random.chance(0.05)) return random.chance(0.5) ? thunderbird : appleMail;
  return usual[domain] ?? webmail();
}

/**
 * Mail gateways of companies that look at mails before people do, and say so; the rest cannot be
 * told from people.
 */
export const scanners: readonly MailProgram[] = [
  "Barracuda Sentinel (EE)",
  "Mozilla/5.0 (compatible; Proofpoint/2.0)",
].map((userAgent) => ({ loads: "own", userAgent, networks: ["40.94"] }));

/**
 * The browser that someone opens links with: one of the most used profiles of the package
 * `user-agents`, by how often it was seen in the wild. The package draws with `Math.random`, so
 * only its list is used.
 */
export function browser(apple: boolean, random: Random): string {
  lists ??= { apple: profiles(/iPhone|Macintosh/), any: profiles(/./) };
  return (apple ? lists.apple : lists.any)(random);
}

type Draw = (random: Random) => string;
let lists: { readonly apple: Draw; readonly any: Draw } | undefined;

function profiles(among: RegExp): Draw {
  const list = UserAgent.top(2_000, ({ userAgent }) => among.test(userAgent));
  return weighted(list.map(({ userAgent, weight }) => [userAgent, weight] as const));
}
