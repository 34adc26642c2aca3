/**
 * `npm run bench`: the service's speed as ratios to something measured in the same run, and its
 * latencies, against the goals. Everything runs on the loopback address, in scratch folders.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Bench, type Measurement, type Row } from "./bench.ts";
import { catalog } from "./catalog.ts";
import { cluster } from "./cluster.ts";
import { batches, single } from "./collect.ts";
import { cpu } from "./cpu.ts";
import { exporting } from "./export.ts";
import { memory, startup } from "./footprint.ts";
import { importing } from "./importing.ts";
import { live } from "./live.ts";
import { installedGenerator, type Generator } from "./load.ts";
import { metrics } from "./metrics.ts";
import { pipeline } from "./pipeline.ts";
import { questions } from "./questions.ts";
import { reads } from "./reads.ts";
import { scale } from "./scale.ts";
import { soak } from "./soak.ts";

const measurements: ReadonlyMap<string, Measurement> = new Map([
  ["startup", startup],
  ["memory", memory],
  ["single", single],
  ["batches", batches],
  ["cpu", cpu],
  ["metrics", metrics],
  ["import", importing],
  ["pipeline", pipeline],
  ["reads", reads],
  ["questions", questions],
  ["catalog", catalog],
  ["export", exporting],
  ["live", live],
  ["cluster", cluster],
  ["scale", scale],
  ["soak", soak],
]);

/** Measured only where they are named: one needs servers, the others much time. */
const onlyNamed = new Set(["cluster", "scale", "soak"]);

const usage = `npm run bench -- [options] [${[...measurements.keys()].join(" | ")}]...

Without names all but cluster, which needs the servers of tools/servers/install.sh, scale, which stores
10 million events: 10 GB in the temporary folder and a quarter of an hour, and soak.

  --minutes N          how long a soak lasts at 70 % of the sustained rate (60)
  --quick              short rounds and a tenth of the stored events
  --out FILE           write the results as JSON as well
  --load wrk|autocannon  the load generator (wrk where it is installed)`;

interface Result extends Row {
  /** `undefined` where there is no goal. */
  readonly met?: boolean;
}

function judged(row: Row): Result {
  if (row.goal === undefined) return row;
  return {
    ...row,
    met: "least" in row.goal ? row.value >= row.goal.least : row.value <= row.goal.most,
  };
}

function table(results: readonly Result[]): string {
  const lines = results.map(({ measure, value, unit, goal, met, detail }) => [
    measure,
    `${written(value)} ${unit}`,
    goal === undefined ? "" : "least" in goal ? `>= ${goal.least}` : `<= ${goal.most}`,
    met === undefined ? "" : verdict(value, goal!, met),
    detail,
  ]);
  const head = ["measure", "value", "goal", "", "how"];
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => line[column]!.length)),
  );
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function verdict(value: number, goal: NonNullable<Row["goal"]>, met: boolean): string {
  const wanted = "least" in goal ? goal.least : goal.most;
  const percent = Math.round((Math.abs(value - wanted) / wanted) * 100);
  return met ? `met, ${percent} % to spare` : `MISSED by ${percent} %`;
}

function written(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

function read(args: readonly string[]): {
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly minutes: number;
  readonly out?: string;
  readonly generator: Generator;
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      minutes: { type: "string", default: "60" },
      out: { type: "string" },
      load: { type: "string", default: installedGenerator() },
    },
  });
  const { quick, out, load } = values;
  const unknown = positionals.filter((name) => !measurements.has(name));
  if (unknown.length > 0)
    throw new Error(`There is no measurement ${unknown.join(", ")}.\n${usage}`);
  if (load !== "wrk" && load !== "autocannon") throw new Error(`--load is ${load}.\n${usage}`);
  const names =
    positionals.length > 0
      ? positionals
      : [...measurements.keys()].filter((name) => !onlyNamed.has(name));
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes is a number above 0.\n${usage}`);
  return { names, quick, minutes, out, generator: load };
}

/**
 * What was measured on, and how busy it was with other things at the beginning: ratios bear some of
 * that, latencies none.
 */
function machineText(generator: Generator): string {
  const load = `load average before ${loadavg()[0]!.toFixed(1)}`;
  const processor = `${availableParallelism()} x ${cpus()[0]?.model ?? "unknown"}`;
  return `${processor}, Node ${process.version}, ${load}; requests by ${generator}`;
}

async function main(): Promise<void> {
  const { names, quick, minutes, out, generator } = read(process.argv.slice(2));
  const machine = machineText(generator);
  const bench = new Bench({ quick, generator, minutes });
  const interrupted = () => void bench.close().finally(() => process.exit(130));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const results: Result[] = [];
  try {
    for (const name of names) {
      bench.say(`measuring ${name}`);
      try {
        results.push(...(await measurements.get(name)!(bench)).map(judged));
      } catch (error) {
        bench.say(
          `${name} could not be measured: ${error instanceof Error ? error.message : String(error)}`,
        );
        process.exitCode = 1;
      }
    }
  } finally {
    await bench.close();
  }
  console.log(`${machine}${quick ? ", quick" : ""}\n\n${table(results)}`);
  if (out !== undefined) {
    writeFileSync(out, `${JSON.stringify({ machine, quick, results }, null, 2)}\n`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
});
