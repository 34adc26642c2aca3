import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const projectRoot = join(import.meta.dirname, "..");

interface ServiceOptions {
  readonly port: number;
  readonly dataDir: string;
  /** Variables besides `PORT` and `DATA_DIR`. Those of this process are passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether only those of this process's variables are passed on that any program needs. */
  readonly bare?: boolean;
  /** Called with its output. */
  readonly output?: (text: string) => void;
  /** A file for its output; without it and `output`, this process's own output. */
  readonly logFile?: string;
}

/** A service of ours in a process of its own, just as `npm start` runs it. */
export interface RunningService {
  readonly pid: number;
  readonly url: string;
  readonly child: ChildProcess;
  /**
   * Resolves when the process has ended, with the cause and the end of its log file. Never rejects.
   */
  readonly ended: Promise<string>;
  /** True until it has ended. */
  readonly isRunning: () => boolean;
  /** Asks it to finish its work and end, and waits for that; after 30 s it is killed. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts the service: the command of `npm start`, without npm between. It is in a process group of
 * its own, so that an interrupt at the terminal reaches only the caller, who is to `stop` it.
 */
export function startService({
  port,
  dataDir,
  env,
  bare,
  output,
  logFile,
}: ServiceOptions): RunningService {
  const log = logFile === undefined ? undefined : openSync(logFile, "a");
  const to = output === undefined ? (log ?? "inherit") : "pipe";
  const { PATH, HOME } = process.env;
  const child = spawn("sh", ["-c", startCommand()], {
    cwd: projectRoot,
    detached: true,
    stdio: ["ignore", to, to],
    env: {
      ...(bare === true ? { HOME } : process.env),
      ...env,
      PATH: [join(projectRoot, "node_modules", ".bin"), PATH].join(delimiter),
      PORT: String(port),
      DATA_DIR: dataDir,
    },
  });
  if (log !== undefined) closeSync(log);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => output?.(chunk.toString()));
  }
  if (child.pid === undefined) throw new Error("the service could not be started");
  const ended = endOf(child).then((cause) =>
    logFile === undefined ? cause : `${cause}\n${readFileSync(logFile, "utf8").slice(-2_000)}`,
  );
  return {
    pid: child.pid,
    child,
    url: `http://127.0.0.1:${port}`,
    ended,
    isRunning: () => isRunning(child),
    async stop() {
      if (!isRunning(child)) return;
      child.kill("SIGTERM");
      const given = new AbortController();
      const late = delay(30_000, "late" as const, { signal: given.signal }).catch(() => "ended");
      if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
      given.abort();
      await ended;
    },
  };
}

function startCommand(): string {
  const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return manifest.scripts["start"] ?? "";
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/**
 * Waits until the service takes requests (`/health/ready` answers 200).
 * @throws Error where it ends before, or is not ready within `withinMs`: why
 */
export async function whenReady(
  { url, ended, isRunning }: Pick<RunningService, "url" | "ended" | "isRunning">,
  {
    withinMs = 60_000,
    everyMs = 50,
  }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const reason = await unreadiness(url);
    if (reason === undefined) return;
    if (!isRunning()) throw new Error(`the service ended before it was ready: ${await ended}`);
    if (performance.now() > deadline) throw new Error(`the service is not ready: ${reason}`);
    await delay(everyMs);
  }
}

/** @returns why the service is not ready, in its own words where it has any */
export async function unreadiness(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    return response.ok ? undefined : text;
  } catch (error) {
    return String(error);
  }
}
