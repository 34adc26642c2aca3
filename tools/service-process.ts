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
  /** Where its log goes: a file, or this process's own output where none is given. */
  readonly logFile?: string;
}

/** A service of ours in a process of its own, just as `npm start` runs it. */
export interface ServiceProcess {
  readonly pid: number;
  readonly url: string;
  /**
   * Resolves when the process has ended, with what it ended by and the end of its log file. Never
   * rejects.
   */
  readonly ended: Promise<string>;
  /** True until it has ended. */
  readonly isRunning: () => boolean;
  /** Ask it to finish its work and end, and wait for that; after 30 s it is killed. */
  readonly stop: () => Promise<void>;
}

/**
 * Start the service: the command of `npm start`, without npm between. It is in a process group of
 * its own, so that an interrupt at the terminal reaches only the caller, who is to `stop` it.
 */
export function startService({ port, dataDir, env, logFile }: ServiceOptions): ServiceProcess {
  const log = logFile === undefined ? undefined : openSync(logFile, "a");
  const child = spawn("sh", ["-c", startCommand()], {
    cwd: projectRoot,
    detached: true,
    stdio: ["ignore", log ?? "inherit", log ?? "inherit"],
    env: {
      ...process.env,
      ...env,
      PATH: [join(projectRoot, "node_modules", ".bin"), process.env["PATH"]].join(delimiter),
      PORT: String(port),
      DATA_DIR: dataDir,
    },
  });
  if (log !== undefined) closeSync(log);
  if (child.pid === undefined) throw new Error("the service could not be started");
  const ended = endOf(child).then((cause) =>
    logFile === undefined ? cause : `${cause}\n${readFileSync(logFile, "utf8").slice(-2_000)}`,
  );
  return {
    pid: child.pid,
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
 * Wait until the service takes requests (`/health/ready` answers 200).
 * @throws Error where it ends before, or is not ready within `withinMs`
 */
export async function whenReady(
  { url, ended, isRunning }: ServiceProcess,
  {
    withinMs = 60_000,
    everyMs = 50,
  }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isReady(url))) {
    if (!isRunning()) throw new Error(`the service ended before it was ready: ${await ended}`);
    if (performance.now() > deadline) throw new Error(`the service is not ready at ${url}`);
    await delay(everyMs);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
