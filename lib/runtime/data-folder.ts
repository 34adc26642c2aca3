import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { sizeOf, sumOf, type FileSum } from "../sqlite/files.ts";
import {
  DamagedFile,
  identify,
  identityOf,
  isEmpty,
  type FolderPart,
} from "../sqlite/folder-part.ts";
import {
  readRecord,
  writeRecord,
  type FolderRecord,
  type FoundRecord,
  type PartRecord,
} from "../sqlite/folder-record.ts";
import { NewerSchema } from "../sqlite/schema-steps.ts";
import { noteOpening, sumAtOpening } from "../sqlite/opened.ts";
import { lostCommits, runOf } from "../sqlite/wal.ts";

/** Somebody has to look at the folder before it is used, or answers would be silently wrong. */
export class UnfitFolder extends Error {
  override readonly name = "UnfitFolder";

  /** @param acceptable whether the folder can be used once somebody accepts it as it is */
  constructor(folder: string, problems: readonly string[], acceptable: boolean) {
    const accepting = acceptable
      ? `. To go on with what is there, whatever it lacks, create the empty file ${join(folder, acceptName)} and start again`
      : "";
    super(
      `The data folder ${folder} cannot be used:\n${problems.map((text) => `  - ${text}\n`).join("")}` +
        `Nothing was removed. Put back what belongs there, or restore a backup into the empty folder. ` +
        `To begin anew, move everything in ${folder} away${accepting} (docs/operations.md, "A start that ends").`,
    );
  }
}

const recordName = "folder.json";

/**
 * An operator creates this file to accept the folder as it is. The start that heeds it removes it.
 */
const acceptName = "accept-as-is";

/** A file as it was found: its identity, or why it cannot be opened right now. */
interface Found {
  readonly part: FolderPart;
  readonly known: PartRecord | undefined;
  readonly state: ReturnType<typeof identityOf> | "missing" | "away";
}

/**
 * Checks that the files of a data folder belong together and are whole, and creates the missing
 * files of a new folder. The process that holds the folder calls it before anything else opens the
 * files.
 * Each file has an identity: the folder and a text that is new with each start, the same for all
 * its files. `folder.json` repeats it, and after an orderly stop (`sealFolder`) also holds each
 * file's checksum. So the check finds a file that is missing, empty, from another folder or another
 * day, and one that was changed while nobody used it; after a killed process it relies on SQLite's
 * own checks and on the logs' witnesses. A file that cannot be opened right now, for lack of rights
 * or space, is left to its owner.
 * @param quiet whether nothing has opened the files yet: only then their content can be checked
 * @throws UnfitFolder, or the error of the file system or of SQLite where the folder cannot be
 *   written right now
 * @returns whether the record was written anew, and whether an operator accepted the folder as it
 *   is
 */
export function openFolder(
  folder: string,
  parts: readonly FolderPart[],
  quiet = true,
): { readonly recordDamaged: boolean; readonly accepted: boolean } {
  const file = join(folder, recordName);
  const record = readRecord(file);
  const accepted = existsSync(join(folder, acceptName));
  const problems: string[] = [];
  let acceptable = true;
  const found = parts.map((part): Found => {
    const known = typeof record === "string" ? undefined : record.parts[part.name];
    const flaw = quiet && !accepted ? flawOf(part, known) : undefined;
    const state = flaw === undefined ? stateOf(part, quiet && known?.sum === undefined) : { flaw };
    if (typeof state === "object" && "flaw" in state) {
      problems.push(state.flaw);
      acceptable &&= flaw !== undefined;
    }
    return { part, known, state: typeof state === "object" && "flaw" in state ? "away" : state };
  });
  if (problems.length === 0 && !accepted) problems.push(...strangers(record, found));
  if (problems.length > 0) throw new UnfitFolder(folder, problems, acceptable);
  identifyAll(file, record, found, quiet);
  rmSync(join(folder, acceptName), { force: true });
  return { recordDamaged: record === "damaged", accepted };
}

/**
 * Records each file's checksum, so that the next start notices later changes. Called when nothing
 * uses the files any more. It skips a file that was not closed in order.
 * @throws the error of the file system
 */
export function sealFolder(folder: string, parts: readonly FolderPart[]): void {
  const file = join(folder, recordName);
  const record = readRecord(file);
  if (typeof record === "string") return;
  const sealed = parts.flatMap((part) => {
    const known = record.parts[part.name];
    if (known === undefined || isEmpty(part) || sizeOf(`${part.file}-wal`) > 0) return [];
    return [[part.name, { ...unsealed(known), sum: sumOf(part.file) }] as const];
  });
  writeRecord(file, { ...record, parts: { ...record.parts, ...Object.fromEntries(sealed) } });
}

/** Describes what is wrong with a file's bytes. */
function flawOf(part: FolderPart, known: PartRecord | undefined): string | undefined {
  const { file } = part;
  if (isEmpty(part)) {
    if (sizeOf(`${file}-wal`) > 0) return `${file} is missing or empty, and its log is there`;
    // The first start was cut off before it created the file.
    return (known?.epoch ?? null) === null ? undefined : `${file} is missing or empty`;
  }
  if (known?.sum !== undefined) {
    if (sizeOf(`${file}-wal`) > 0) return `${file}-wal was put there since the last stop`;
    return changeOf(file, known.sum, "stop");
  }
  const isIndexCurrent = known?.run !== undefined && known.run === runOf(dirname(file));
  const opening = isIndexCurrent ? sumAtOpening(file) : undefined;
  return lostCommits(file, isIndexCurrent) ?? (opening && changeOf(file, opening, "start"));
}

function changeOf(file: string, before: FileSum, when: "start" | "stop"): string | undefined {
  const { size, crc } = sumOf(file);
  if (size !== before.size) {
    return `${file} has ${size} bytes, and had ${before.size} at the last ${when}`;
  }
  return crc === before.crc ? undefined : `${file} was changed or damaged since the last ${when}`;
}

function stateOf(part: FolderPart, check: boolean): Found["state"] | { readonly flaw: string } {
  if (isEmpty(part)) return "missing";
  try {
    return identityOf(part, check);
  } catch (error) {
    if (error instanceof NewerSchema) return { flaw: error.message };
    if (error instanceof DamagedFile) return { flaw: `${part.file} is damaged: ${error.message}` };
    return "away";
  }
}

/** The files that do not belong to the others. */
function strangers(record: FoundRecord, found: readonly Found[]): readonly string[] {
  if (typeof record !== "string") {
    return found
      .filter(({ state, known }) => !belongs(state, known, record.folder))
      .map(({ part }) => `${part.file} is of another folder or of another time than ${recordName}`);
  }
  const old = found.filter(({ state }) => typeof state === "object" || state === "none");
  if (old.length === 0) return [];
  const missing = found.filter(({ state }) => state === "missing");
  if (missing.length > 0) return missing.map(({ part }) => `${part.file} is missing or empty`);
  const identities = new Set(old.map(({ state }) => JSON.stringify(state)));
  if (identities.size === 1) return [];
  const names = old.map(({ part }) => basename(part.file)).join(" and ");
  return [`${names} are not of the same folder and time`];
}

function belongs(state: Found["state"], known: PartRecord | undefined, folder: string): boolean {
  const epoch = known?.epoch ?? null;
  if (state === "away") return true;
  if (state === "missing" || state === "unset") return epoch === null;
  if (state === "none") return known !== undefined && epoch === null;
  return state.folder === folder && [epoch, known?.next].includes(state.epoch);
}

/**
 * Gives all files that can be opened the same new identity. A process that ends at any point leaves
 * a state that `belongs`.
 */
function identifyAll(
  file: string,
  record: FoundRecord,
  found: readonly Found[],
  quiet: boolean,
): void {
  const usable = found.filter(({ state }) => state !== "away");
  const before = typeof record === "string" ? undefined : record;
  const known = usable.map(({ state }) => state).find((state) => typeof state === "object");
  const folder = before?.folder ?? known?.folder ?? randomUUID();
  const epoch = randomUUID();
  const write = (of: (found: Found) => PartRecord): void => {
    const now = usable.map((found) => [found.part.name, of(found)] as const);
    // A file that is away keeps only its identity for the time when it is back.
    const away = found.flatMap(({ part, known, state }) =>
      state === "away" && known ? [[part.name, unsealed(known)] as const] : [],
    );
    const parts = { ...before?.parts, ...Object.fromEntries([...away, ...now]) };
    writeRecord(file, { folder, parts } satisfies FolderRecord);
  };
  try {
    write(({ state, known }) => {
      const old = typeof state === "object" ? state.epoch : null;
      // Until a file is opened its log's index is of the run before.
      return { epoch: old, next: epoch, ...runIn(known) };
    });
  } catch (error) {
    // Without space for a new record the old one must go: it is about to become wrong.
    rmSync(file, { force: true });
    throw error;
  }
  for (const { part, state } of usable) {
    if (state === "missing") setLogAside(part);
    identify(part, { folder, epoch });
    if (quiet) noteOpening(part.file);
  }
  const run = runOf(dirname(file));
  write(() => ({ epoch, ...(run !== undefined && { run }) }));
}

/** SQLite would delete the log of an empty file, though it may hold all the data. */
function setLogAside({ file }: FolderPart): void {
  const log = `${file}-wal`;
  if (sizeOf(log) > 0) renameSync(log, `${log}.${Date.now()}.aside`);
}

function unsealed({ sum: _, ...known }: PartRecord): PartRecord {
  return known;
}

function runIn(known: PartRecord | undefined): Pick<PartRecord, "run"> {
  return known?.run === undefined ? {} : { run: known.run };
}
