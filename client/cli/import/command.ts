import { appendFileSync } from "node:fs";
import { Courier } from "../../src/delivery.ts";
import { Http } from "../../src/http.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { addressOf, countOf, readArguments, refuseOthers, sharedUsage } from "../options.ts";
import { Pace, progressText, timeText } from "../progress.ts";
import { grouped } from "../table.ts";
import type { Command, Terminal } from "../terminal.ts";
import { jobOf, readCheckpoint, writeCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { fieldsOf, readMapping, tableReader } from "./csv.ts";
import { lineReader, seedOf, type EventReader } from "./event-text.ts";
import { Importing, type RefusedLine } from "./importing.ts";
import { beginning, type FileRecord, type Place } from "./records.ts";
import { openSource, readBeginning, type FileBeginning } from "./source.ts";

const options = {
  format: { type: "string" },
  map: { type: "string", multiple: true },
  "only-mapped": { type: "boolean", default: false },
  columns: { type: "string" },
  delimiter: { type: "string" },
  exported: { type: "boolean", default: false },
  type: { type: "string" },
  source: { type: "string" },
  namespace: { type: "string" },
  checkpoint: { type: "string" },
  restart: { type: "boolean", default: false },
  refused: { type: "string" },
  batch: { type: "string", default: "500" },
  "at-once": { type: "string", default: "16" },
  patience: { type: "string", default: "600" },
} as const;

const usage = `maily-analytics import FILE [options]

Sends each line of a file as an event: NDJSON, or a table (CSV), also packed with gzip; - is standard input. It may be
ended and started again, and repeated: events without an id get one that is made of the line and its place.

  --format ndjson|csv   by default by the name
  --type T, --source S  for events that name none
  --map FIELD=COLUMN[:KIND]  where a column goes: type=event, metadata.userId=user, data.amount=price:number; kinds are
                 text, number, boolean, json, seconds (since 1970). Other columns go to the field of their name, or into data
  --only-mapped  leave other columns out
  --columns A,B  the table has no head; these are its columns
  --delimiter D  by default a comma, of a .tsv file a tab
  --exported     the file is an export: leave out receivedAt, project and context
  --checkpoint FILE  how far it is; by default FILE.maily-import
  --restart      from the beginning, whatever the checkpoint says
  --namespace N  makes the ids instead of the file's first lines: for two files that begin alike
  --refused FILE append lines that are refused, and why
  --batch N, --at-once N  events a request (500), requests at a time (16)
  --patience S   how long the service may be away, in seconds (600)
${sharedUsage}`;

const ofTables = ["map", "only-mapped", "columns", "delimiter"];
const ofFiles = ["checkpoint", "restart"];

/** The names of the other options. */
function but(names: readonly string[]): readonly string[] {
  return Object.keys(options).filter((name) => !names.includes(name));
}

type Values = ReturnType<typeof readArguments<typeof options>>["values"];

export const importCommand: Command = {
  summary: "send the lines of a file: NDJSON or CSV, resumable, harmless when repeated",
  usage,
  async run(args, terminal) {
    const { values, positionals, given } = readArguments(args, options);
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError("import takes one FILE");
    if (formatOf(file, values) !== "csv") refuseOthers("import of NDJSON", given, but(ofTables));
    if (file === "-") refuseOthers("import of standard input", given, but(ofFiles));
    const job = await jobFor(file, values, terminal);
    const before = values.restart ? undefined : await job.readCheckpoint();
    const done = await runImport(job, before, values, terminal);
    await report(done, before, values.json, terminal);
    return done.refused > 0 ? exitCodes.someRefused : exitCodes.done;
  },
};

interface Job {
  readonly file: string;
  /** Of a table. */
  readonly delimiter: string | undefined;
  readonly reader: EventReader;
  readonly readCheckpoint: () => Promise<Checkpoint | undefined>;
  readonly writeCheckpoint: (
    done: Pick<Checkpoint, "accepted" | "refused"> & Place,
  ) => Promise<void>;
}

/** @throws UsageError */
async function jobFor(file: string, values: Values, terminal: Terminal): Promise<Job> {
  const { map, columns, type, source, namespace, exported } = values;
  const isTable = formatOf(file, values) === "csv";
  const delimiter = delimiterOf(file, values);
  const ofTable = isTable ? delimiter : undefined;
  const hasHead = isTable && columns === undefined;
  if (file === "-" && hasHead) throw new UsageError("a table from standard input needs --columns");
  const { first, texts }: FileBeginning =
    file === "-"
      ? { first: undefined, texts: [] }
      : await readBeginning(file, ofTable, hasHead ? 2 : 1);
  if (file === "-" && namespace === undefined) {
    throw new UsageError("standard input needs --namespace, from which ids are made");
  }
  const seed = seedOf(texts, namespace);
  const defaults = { type, source };
  const names = columns?.split(",") ?? (hasHead ? columnsOf(first, delimiter) : []);
  const mapping = readMapping(map ?? []);
  const onlyMapped = values["only-mapped"];
  const table = { delimiter, columns: names, hasHead, mapping, onlyMapped };
  const headLine = hasHead ? first?.line : undefined;
  const reader = isTable
    ? tableReader({ seed, defaults, exported, headLine, ...table })
    : lineReader({ seed, defaults, exported });
  const { url, key } = addressOf(values, terminal);
  const job = jobOf([url, key, isTable, { ...table, mapping: map }, defaults, namespace, exported]);
  const checkpoint = values.checkpoint ?? (file === "-" ? undefined : `${file}.maily-import`);
  return {
    file,
    delimiter: ofTable,
    reader,
    readCheckpoint: async () =>
      checkpoint === undefined || file === "-" ? undefined : readCheckpoint(checkpoint, job, seed),
    async writeCheckpoint(done) {
      if (checkpoint === undefined || file === "-") return;
      await writeCheckpoint(checkpoint, { version: 1, job, head: seed, ...done });
    },
  };
}

/**
 * The columns that the head of a table names; none of an empty file.
 * @throws UsageError where the head cannot be read
 */
function columnsOf(head: FileRecord | undefined, delimiter: string): readonly string[] {
  if (head === undefined) return [];
  const { line, text, problem = "it cannot be read" } = head;
  if (text === undefined) throw new UsageError(`line ${line}, the head of the table: ${problem}`);
  const names = fieldsOf(text, delimiter);
  if (names !== undefined) return names;
  throw new UsageError(`line ${line}, the head of the table: its quotes do not fit`);
}

function formatOf(file: string, { format }: Values): "ndjson" | "csv" {
  if (format === "ndjson" || format === "csv") return format;
  if (format !== undefined) throw new UsageError(`--format is ndjson or csv, not ${format}`);
  return /\.(csv|tsv)(\.gz)?$/i.test(file) ? "csv" : "ndjson";
}

function delimiterOf(file: string, { delimiter }: Values): string {
  if (delimiter === undefined) return /\.tsv(\.gz)?$/i.test(file) ? "\t" : ",";
  if (delimiter === "" || /["\r\n]/.test(delimiter)) {
    throw new UsageError("--delimiter takes at least one character, and no quote or line break");
  }
  return delimiter;
}

interface Done extends Place {
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
}

async function runImport(
  job: Job,
  before: Checkpoint | undefined,
  values: Values,
  terminal: Terminal,
): Promise<Done> {
  const { offset, lines, accepted, refused } = before ?? { ...beginning, accepted: 0, refused: 0 };
  const start = { end: { offset, lines }, accepted, refused };
  const importing = new Importing({
    reader: job.reader,
    delimiter: job.delimiter,
    courier: courierFor(values, terminal),
    start,
    batchEvents: Math.min(1_000, countOf("batch", values.batch)),
    batchesAtOnce: countOf("at-once", values["at-once"]),
    onRefused: refusals(values.refused, terminal),
    signal: terminal.interrupted,
  });
  // Where no checkpoint can be written nothing is sent.
  await job.writeCheckpoint({ ...start.end, accepted, refused });
  const source = await openSource(job.file, start.end.offset);
  const startedAt = performance.now();
  const showing =
    terminal.isWatched && !values.json ? show(importing, source, terminal) : undefined;
  const saving = keepSaving(importing, job);
  try {
    await importing.run(source.pieces);
  } finally {
    showing?.();
    await saving();
  }
  const { end, ...counted } = importing.total;
  return { ...end, ...counted, seconds: (performance.now() - startedAt) / 1_000 };
}

function courierFor(values: Values, terminal: Terminal): Courier {
  const { url, key } = addressOf(values, terminal);
  const http = new Http({ url, key, fetch: globalThis.fetch, timeoutMs: 60_000, retries: 0 });
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
  let toldAt = -Infinity;
  return new Courier(http, {
    giveUpAfterMs: countOf("patience", values.patience) * 1_000,
    gzip: !isHere,
    onRetry(error, waitMs) {
      if (performance.now() - toldAt < 5_000) return;
      toldAt = performance.now();
      terminal.tell(`${error.message}; again in ${(waitMs / 1_000).toFixed(1)} s`);
    },
  });
}

const mostShown = 10;

/** Shows the first refused lines, and writes all of them to a file where one is given. */
function refusals(file: string | undefined, terminal: Terminal): (line: RefusedLine) => void {
  let shown = 0;
  return (refused) => {
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(refused)}\n`);
    shown += 1;
    if (shown > mostShown) return;
    const problems = refused.problems.map(({ pointer, message }) => `${pointer} ${message}`.trim());
    terminal.tell(`line ${refused.line}: ${problems.join("; ")}`);
    if (shown === mostShown) terminal.tell("more refused lines are only counted");
  };
}

/**
 * Writes the checkpoint each second.
 * @returns a function that stops this, with a last write
 */
function keepSaving(importing: Importing, job: Job): () => Promise<void> {
  let saved = importing.confirmed;
  let failure: { readonly error: unknown } | undefined;
  let writing = Promise.resolve();
  const save = () => {
    const { confirmed } = importing;
    if (confirmed === saved) return;
    saved = confirmed;
    const { end, accepted, refused } = confirmed;
    writing = writing
      .then(() => job.writeCheckpoint({ ...end, accepted, refused }))
      .catch((error: unknown) => {
        failure = { error };
      });
  };
  const timer = setInterval(save, 1_000);
  return async () => {
    clearInterval(timer);
    save();
    await writing;
    if (failure !== undefined) throw failure.error;
  };
}

/** Shows a progress bar until it is stopped. */
function show(
  importing: Importing,
  { totalBytes, readBytes }: Awaited<ReturnType<typeof openSource>>,
  { draw }: Terminal,
): () => void {
  const sample = () => ({
    atMs: performance.now(),
    lines: importing.confirmed.end.lines,
    bytes: readBytes(),
  });
  const pace = new Pace(sample());
  const timer = setInterval(() => {
    const now = sample();
    const progress = { doneBytes: now.bytes, totalBytes, lines: now.lines, ...pace.measure(now) };
    draw(progressText(progress));
  }, 200);
  return () => {
    clearInterval(timer);
    draw("");
  };
}

async function report(
  { lines, accepted, refused, seconds }: Done,
  before: Checkpoint | undefined,
  asJson: boolean,
  { print }: Terminal,
): Promise<void> {
  const resumedAtLine = before?.lines ?? 0;
  if (asJson) {
    const report = { lines, accepted, refused, resumedAtLine, seconds: Number(seconds.toFixed(3)) };
    await print(`${JSON.stringify(report)}\n`);
    return;
  }
  const counts = `${grouped(accepted)} accepted, ${grouped(refused)} refused`;
  const earlier =
    resumedAtLine === 0 ? "" : `, ${grouped(before!.accepted)} of them before this run`;
  await print(`${counts}${earlier}; ${timeText(seconds)}\n`);
}
