import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts, isFree } from "./free-ports.ts";

/**
 * A server of its own: own ports on 127.0.0.1, own folder, own process group. It ends with the
 * process that started it, however that one ends.
 */
export interface RunningServer {
  readonly url: string;
  /** The server's process, which also leads its process group. Another one after `restart`. */
  readonly pid: number;
  /** The server's output and logs, for a failing test to show. */
  log(): string;
  /** Ends it by SIGKILL, at any point of its work. Its data stays for `restart`. */
  kill(): Promise<void>;
  /** Stops it (SIGSTOP): connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Start it again on the same ports and data, after ending it in good order if it still runs. */
  restart(): Promise<void>;
  /** End it in good order (SIGTERM, after 10 s SIGKILL) and remove its folder. May be repeated. */
  stop(): Promise<void>;
}

/** Where a server lives. */
export interface Place {
  readonly dir: string;
  readonly ports: readonly number[];
}

export interface Recipe {
  readonly name: string;
  /** How many TCP ports it needs. */
  readonly ports: number;
  command(place: Place): {
    readonly file: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  };
  url(place: Place): string;
  /** Rejects while the server does not answer yet; settles within a second or two. */
  answers(url: string): Promise<void>;
  /** Files in its folder with more of its output. */
  readonly logs?: readonly string[];
}

const startTimeoutMs = 150_000;
const stopTimeoutMs = 10_000;

/**
 * Start a server and wait until it answers.
 * @throws with the end of its log where it does not within 150 s
 */
export async function startServer(recipe: Recipe): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const dir = mkdtempSync(join(tmpdir(), `${recipe.name}-`));
    const server = new ServerProcess(recipe, { dir, ports: await freePorts(recipe.ports) });
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      // Another process may have taken a port since it was seen free.
      const lostPort = /eaddrinuse|address already in use/i.test(String(error));
      if (attempt === 3 || !lostPort) throw error;
    }
  }
}

class ServerProcess implements RunningServer {
  readonly #recipe: Recipe;
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(recipe: Recipe, place: Place) {
    this.#recipe = recipe;
    this.#place = place;
  }

  get url(): string {
    return this.#recipe.url(this.#place);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#recipe.name} does not run`);
    return pid;
  }

  async start(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    await this.#portsFree(deadline);
    const { file, args, env } = this.#recipe.command(this.#place);
    const output = openSync(join(this.#place.dir, "output.log"), "a");
    const child = spawn(file, args, {
      cwd: this.#place.dir,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    let failure: string | undefined;
    const exited = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        failure = error.message;
        resolve();
      });
      child.once("exit", (code, signal) => {
        failure = `it ended with ${signal ?? code}`;
        resolve();
      });
    });
    const stopGuarding = child.pid === undefined ? () => {} : guard(child.pid, this.#place.dir);
    this.#child = child;
    this.#exited = exited.then(async () => {
      // Whatever else the server started ends with it, and so do its ports.
      if (child.pid !== undefined) await endGroup(child.pid);
      stopGuarding();
      if (this.#child === child) this.#child = undefined;
    });

    for (let last = "nothing"; ;) {
      if (failure !== undefined) throw this.#notStarted(failure);
      if (Date.now() > deadline) throw this.#notStarted(`no answer in time, last ${last}`);
      try {
        return await this.#recipe.answers(this.url);
      } catch (error) {
        last = String(error);
      }
      await Promise.race([sleep(50), exited]);
    }
  }

  log(): string {
    return ["output.log", ...(this.#recipe.logs ?? [])]
      .map((name) => readIfThere(join(this.#place.dir, name)))
      .join("");
  }

  async kill(): Promise<void> {
    signalGroup(this.pid, "SIGKILL");
    await this.#exited;
  }

  freeze(): void {
    signalGroup(this.pid, "SIGSTOP");
  }

  thaw(): void {
    signalGroup(this.pid, "SIGCONT");
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#place.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return this.#exited.then(() => undefined);
    this.thaw();
    child.kill("SIGTERM");
    const timer = setTimeout(() => signalGroup(this.pid, "SIGKILL"), stopTimeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** A process that just ended may hold its ports for a moment. */
  async #portsFree(deadline: number): Promise<void> {
    for (const port of this.#place.ports) {
      while (!(await isFree(port))) {
        if (Date.now() > deadline) throw this.#notStarted(`port ${port} is taken`);
        await sleep(20);
      }
    }
  }

  #notStarted(why: string): Error {
    return new Error(`${this.#recipe.name} did not start: ${why}\n${this.log().slice(-4_000)}`);
  }
}

/**
 * Watch over a process group from a process of its own: its input is a pipe that the kernel closes
 * when this process ends, in whatever way, and then it kills the group and removes its folder.
 * @returns a function that ends the watch
 */
function guard(group: number, dir: string): () => void {
  const script = 'cat; kill -KILL "-$1"; rm -rf "$2"';
  const watch = spawn("/bin/sh", ["-c", script, "guard", String(group), dir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watch.unref();
  return () => {
    if (watch.pid !== undefined) signalGroup(watch.pid, "SIGKILL");
  };
}

/** Kill a process group, and wait for the kernel to have ended it, at most a second. */
async function endGroup(group: number): Promise<void> {
  const deadline = Date.now() + 1_000;
  signalGroup(group, "SIGKILL");
  while (groupLives(group) && Date.now() < deadline) await sleep(5);
}

function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
