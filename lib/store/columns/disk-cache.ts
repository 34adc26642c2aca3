import { hash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { readFile as readFileBack } from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import type { ColumnKey } from "./segment.ts";
import { WaitingColumns } from "./waiting-columns.ts";

export interface DiskCacheOptions {
  /** The cache's own folder; made where it is missing. Other files in it are left alone. */
  readonly folder: string;
  /**
   * About the most bytes that the files may take on the disk; includes files of other processes. 0:
   * the files of earlier processes are removed.
   */
  readonly maxBytes: number;
  readonly log: { warn(fields: object, text: string): void };
}

/** The files of one version of a segment. */
interface Version {
  readonly segment: string;
  sizeBytes: number;
  /** The instant at which its folder was last marked as used, epoch milliseconds. */
  markedAt: number;
}

/** A file takes whole blocks of the disk. */
const blockBytes = 4_096;

/** The interval at which a used version is marked as used, for the process after a restart. */
const markEveryMs = 3_600_000;

/** The age from which a temporary file counts as left by a process that was killed. */
const strayAfterMs = 3_600_000;

const warnEveryMs = 60_000;

/** Takes half the time of `readFile` of `node:fs/promises`. */
const readFile = promisify(readFileBack);

const ofVersions = /^v./;

/**
 * Keeps columns of segments on the disk, up to a number of bytes; the least recently used version
 * of a segment is removed first. The cache holds copies only: its folder may be deleted at any
 * time, and a column that cannot be read or written is simply not cached. Each file contains its
 * key and a checksum: a file that is damaged, cut or of another key is removed and counts as
 * missing. Files are written under a temporary name and renamed, so that a crash leaves none half
 * written, and several processes may use one folder. They are written while nothing is asked, and
 * columns are found until then, too. Takes some 300 bytes of memory for each version.
 */
export class DiskCache {
  readonly #options: DiskCacheOptions;
  /** The versions by their folders, the least recently used first. */
  readonly #versions = new Map<string, Version>();
  readonly #work = new Set<Promise<void>>();
  readonly #waiting: WaitingColumns;
  #sizeBytes = 0;
  /** The bytes that were written since the folder was last looked through. */
  #writtenBytes = 0;
  #isLooking = false;
  #warnedAt = -Infinity;

  /** Resolves once the files of earlier processes are known. */
  readonly ready: Promise<void>;

  constructor(options: DiskCacheOptions) {
    this.#options = options;
    const disk = {
      write: (key: ColumnKey, bytes: Uint8Array) => this.#begin(() => this.#write(key, bytes)),
      removeOthers: (id: string, version: string) =>
        this.#begin(() => this.#removeOthers(id, version)),
    };
    this.#waiting = new WaitingColumns(disk, options.maxBytes / 2);
    this.ready = this.#begin(() => this.#lookThrough());
  }

  /** The bytes of all known files. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The segments that have files, or columns that are still to be written. */
  get segments(): ReadonlySet<string> {
    const written = [...this.#versions.values()].map(({ segment }) => segment);
    return new Set([...written, ...this.#waiting.segments]);
  }

  /** The whole column under a key; `undefined` where it is not cached. */
  async get(key: ColumnKey): Promise<Uint8Array | undefined> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const folder = this.#folderOf(key);
    const path = join(folder, fileOf(key));
    let file: Buffer;
    try {
      file = await readFile(path);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    const bytes = unwrapped(key, file);
    if (bytes !== undefined) {
      this.#use(folder, key.id, 0);
      return bytes;
    }
    await rm(path, { force: true }).catch((error: unknown) => this.#failed(error));
    this.#options.log.warn({}, "a damaged file of the segments' cache was removed");
    return undefined;
  }

  /**
   * Keeps a column, in the background.
   * @param bytes must not be changed any more
   */
  put(key: ColumnKey, bytes: Uint8Array): void {
    this.#waiting.put(key, bytes);
  }

  /** As `drop` for all versions of a segment but one, in the background. */
  replace(id: string, version: string): void {
    this.#waiting.replace(id, version);
  }

  /**
   * Removes a segment, including the files of other processes.
   * @param but the version that stays; absent: none
   */
  async drop(id: string, but?: string): Promise<void> {
    await this.#waiting.drop(id, but);
    await this.#removeOthers(id, but);
  }

  /** Resolves when all is written, and no work of the cache is running. */
  async close(): Promise<void> {
    await this.#waiting.close();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Removes the files of a segment's versions but one. */
  async #removeOthers(id: string, but?: string): Promise<void> {
    const kept = but === undefined ? undefined : this.#folderOf({ id, version: but });
    for (const folder of await listed(this.#segmentFolder(id), ofVersions)) {
      if (folder !== kept) await this.#remove(folder);
    }
  }

  async #write(key: ColumnKey, bytes: Uint8Array): Promise<void> {
    const file = wrapped(key, bytes);
    const folder = this.#folderOf(key);
    const temporary = join(folder, `${randomUUID()}.tmp`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, file, { mode: 0o600 });
      await rename(temporary, join(folder, fileOf(key)));
    } catch (error) {
      this.#failed(error);
      await rm(temporary, { force: true }).catch(() => undefined);
      return;
    }
    this.#use(folder, key.id, onDisk(file.length));
    this.#writtenBytes += file.length;
    // Other processes may write to the same folder, and only looking through it finds their files.
    if (this.#writtenBytes > this.#options.maxBytes / 8) await this.#lookThrough();
    await this.#makeRoom();
  }

  /** Records a version as the most recently used one. */
  #use(folder: string, segment: string, addedBytes: number): void {
    const known = this.#versions.get(folder) ?? { segment, sizeBytes: 0, markedAt: 0 };
    this.#know(folder, { ...known, sizeBytes: known.sizeBytes + addedBytes });
    const now = Date.now();
    // A mark in the future was made before the clock was set back, and counts as old.
    if (Math.abs(now - known.markedAt) < markEveryMs) return;
    this.#versions.get(folder)!.markedAt = now;
    void this.#begin(() => utimes(folder, now / 1_000, now / 1_000));
  }

  /** Puts a version at the most recently used end. */
  #know(folder: string, version: Version): void {
    this.#forget(folder);
    this.#versions.set(folder, version);
    this.#sizeBytes += version.sizeBytes;
  }

  #forget(folder: string): void {
    const version = this.#versions.get(folder);
    if (version === undefined) return;
    this.#versions.delete(folder);
    this.#sizeBytes -= version.sizeBytes;
  }

  async #remove(folder: string): Promise<void> {
    this.#forget(folder);
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
      this.#failed(error),
    );
  }

  async #makeRoom(): Promise<void> {
    for (const folder of this.#versions.keys()) {
      if (this.#sizeBytes <= this.#options.maxBytes) return;
      await this.#remove(folder);
    }
  }

  /** Finds the files of earlier processes, and of other processes that run now. */
  async #lookThrough(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#writtenBytes = 0;
    try {
      const found = new Map<string, Version>();
      for (const [segment, folder] of await this.#folders()) {
        found.set(folder, await looked(segment, folder));
      }
      const used = [...this.#versions];
      for (const [folder] of used) this.#forget(folder);
      const byMark = [...found].sort(([, a], [, b]) => a.markedAt - b.markedAt);
      for (const [folder, version] of byMark) this.#know(folder, version);
      // Versions that this process used come last, in the order of their use: the marks on the disk
      // are coarser.
      for (const [folder, version] of used) {
        const { sizeBytes } = found.get(folder) ?? version;
        this.#know(folder, { ...version, sizeBytes });
      }
      await this.#makeRoom();
    } finally {
      this.#isLooking = false;
    }
  }

  /** The folders of all versions, each with its segment. */
  async #folders(): Promise<readonly (readonly [segment: string, folder: string])[]> {
    const folders: (readonly [string, string])[] = [];
    for (const shelf of await listed(this.#options.folder, /^[0-9a-f]{2}$/)) {
      for (const inner of await listed(shelf, /^s./)) {
        const segment = decoded(basename(inner).slice(1));
        if (segment === undefined || inner !== this.#segmentFolder(segment)) continue;
        for (const folder of await listed(inner, ofVersions)) folders.push([segment, folder]);
      }
    }
    return folders;
  }

  #folderOf({ id, version }: Omit<ColumnKey, "column">): string {
    return join(this.#segmentFolder(id), `v${encodeURIComponent(version)}`);
  }

  /**
   * The folder of a segment. Segments are divided among 256 folders, so that none has too many
   * entries.
   */
  #segmentFolder(id: string): string {
    const shelf = hash("sha1", id).slice(0, 2);
    return join(this.#options.folder, shelf, `s${encodeURIComponent(id)}`);
  }

  /** Runs work in the background. Resolves when the work has ended, also where it failed. */
  #begin(work: () => Promise<void>): Promise<void> {
    const running = work()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#work.delete(running));
    this.#work.add(running);
    return running;
  }

  /** Logs a failure. A missing file is none: anybody may delete files. */
  #failed(error: unknown): void {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    if (performance.now() - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = performance.now();
    this.#options.log.warn({ err: error }, "the segments' cache cannot be read or written");
  }
}

/** The bytes that a version's files take. Removes files that a killed process left half written. */
async function looked(segment: string, folder: string): Promise<Version> {
  let sizeBytes = 0;
  for (const path of await listed(folder, /^[0-9a-f-]+(?:\.tmp)?$/)) {
    const about = await stat(path).catch(() => undefined);
    if (about === undefined) continue;
    const isOld = Math.abs(Date.now() - about.mtimeMs) > strayAfterMs;
    const isStray = path.endsWith(".tmp") && isOld;
    if (isStray) await rm(path, { force: true }).catch(() => undefined);
    else sizeBytes += onDisk(about.size);
  }
  const markedAt = (await stat(folder).catch(() => undefined))?.mtimeMs ?? 0;
  return { segment, sizeBytes, markedAt };
}

async function listed(folder: string, named: RegExp): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => named.test(name)).map((name) => join(folder, name));
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

function onDisk(length: number): number {
  return Math.ceil(length / blockBytes) * blockBytes;
}

function fileOf({ column }: ColumnKey): string {
  return hash("sha1", column).slice(0, 32);
}

/**
 * A file begins with this number and a checksum of the rest: the key's length, the key, the column.
 */
const magic = 0x4d53_4331;
const headBytes = 12;

function wrapped(key: ColumnKey, bytes: Uint8Array): Buffer {
  const name = nameOf(key);
  const file = Buffer.allocUnsafe(headBytes + name.length + bytes.length);
  file.writeUInt32BE(magic, 0);
  file.writeUInt32BE(name.length, 8);
  file.set(name, headBytes);
  file.set(bytes, headBytes + name.length);
  file.writeUInt32BE(crc32(file.subarray(8)), 4);
  return file;
}

/** The column in a file; `undefined` where the file is damaged, or has another key. */
function unwrapped(key: ColumnKey, file: Buffer): Uint8Array | undefined {
  if (file.length < headBytes || file.readUInt32BE(0) !== magic) return undefined;
  if (file.readUInt32BE(4) !== crc32(file.subarray(8))) return undefined;
  const name = nameOf(key);
  const start = headBytes + file.readUInt32BE(8);
  return name.equals(file.subarray(headBytes, start)) ? file.subarray(start) : undefined;
}

function nameOf({ id, version, column }: ColumnKey): Buffer {
  return Buffer.from(JSON.stringify([id, version, column]));
}
