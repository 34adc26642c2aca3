import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RunningService } from "../service-process.ts";
import { settled, type Bench, type Row } from "./bench.ts";
import { runLoad } from "./load.ts";
import { sampleEvents } from "./sample-events.ts";
import { interleaved, median } from "./statistics.ts";

const connections = 64;

/**
 * A file brought in by the command line, beside the same events posted in batches of a hundred as
 * fast as they are taken.
 */
export async function importing(bench: Bench): Promise<readonly Row[]> {
  const total = bench.quick ? 40_000 : 400_000;
  const events = sampleEvents(1_000);
  const lines = Array.from({ length: total }, (_, i) => JSON.stringify(events[i % events.length]));
  const file = bench.file("import.ndjson", `${lines.join("\n")}\n`);
  const bodyFile = bench.file("batch.json", JSON.stringify({ events: events.slice(0, 100) }));
  const service = await bench.service();
  const [rounds, seconds] = bench.quick ? [3, 2] : [5, 5];
  let round = 0;

  async function byBatches(): Promise<number> {
    const request = { url: `${service.url}/api/v1/events/batch`, bodyFile, connections, seconds };
    const load = { ...request, contentType: "application/json" };
    const { perSecond, failed } = await runLoad(bench.generator, load, bench.scratch);
    if (failed > 0) throw new Error(`${failed} batches failed`);
    await settled(service);
    return perSecond * 100;
  }

  async function byImport(): Promise<number> {
    round += 1;
    const { accepted, seconds: took } = await runImport(service, file, `round ${round}`);
    if (accepted !== total) throw new Error(`${accepted} of ${total} lines were accepted`);
    await settled(service);
    return accepted / took;
  }

  await byBatches();
  const [batches, imports] = await interleaved(rounds, [byBatches, byImport]);
  await bench.end(service);
  const [one, other] = [median(imports!), median(batches!)];
  return [
    {
      measure: "import of a file",
      value: one / other,
      unit: "of batches",
      goal: { least: 0.5 },
      detail: `${Math.round(one)} to ${Math.round(other)} events/s, medians of ${rounds}; ${total} lines of NDJSON without ids`,
    },
  ];
}

interface Imported {
  readonly accepted: number;
  readonly seconds: number;
}

/** @param namespace ids are made of it, so that each round's events are new */
async function runImport(
  { url }: RunningService,
  file: string,
  namespace: string,
): Promise<Imported> {
  const command = join(import.meta.dirname, "../../client/cli/main.ts");
  const args = [
    command,
    "import",
    file,
    "--url",
    url,
    "--namespace",
    namespace,
    "--restart",
    "--json",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Imported;
}
