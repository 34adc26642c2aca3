import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Mails of the backfill. */
  readonly mails: number;
  readonly seed: number;
  /** How far the backfill reaches back. */
  readonly days: number;
  /** Live events a second, on average. */
  readonly rate: number;
  /** End after the backfill. */
  readonly once: boolean;
  readonly port: number;
  readonly dataDir: string;
  /** For a service that wants one. */
  readonly key?: string;
}

export const usage = `npm run demo -- [options]

  --mails N   mails of the backfill, about 2.6 events each (20000)
  --days N    how many days it reaches back (14)
  --seed N    another seed, other mails (1)
  --rate N    live events a second after it (3)
  --once      end after the backfill
  --key KEY   for a service with API_KEYS

PORT (4000) and DATA_DIR (./data/demo) are read from the environment.`;

/** @throws Error that names the flag or variable that is wrong */
export function demoOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DemoOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mails: { type: "string", default: "20000" },
      days: { type: "string", default: "14" },
      seed: { type: "string", default: "1" },
      rate: { type: "string", default: "3" },
      once: { type: "boolean", default: false },
      key: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  return {
    mails: number("--mails", values.mails, 1, 5_000_000),
    days: number("--days", values.days, 1, 3_650),
    seed: number("--seed", values.seed, 0, 2_147_483_647),
    rate: number("--rate", values.rate, 1, 1_000),
    once: values.once,
    key: values.key,
    port: number("PORT", env["PORT"] ?? "4000", 1, 65_535),
    dataDir: resolve(env["DATA_DIR"] ?? "./data/demo"),
  };
}

function number(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${name} is ${text}; it must be a whole number from ${min} to ${max}`);
}
