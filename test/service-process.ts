import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../tools/servers/free-ports.ts";

const root = join(import.meta.dirname, "..");
const runner = join(root, "node_modules/moleculer/bin/moleculer-runner.mjs");
const readyWithinMs = 90_000;

export type Variables = Readonly<Record<string, string>>;

/** The real runner as a child process, on a port and a folder of its own. */
export class ServiceProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly #variables: Variables;
  #child: ChildProcess | null = null;
  #output = "";

  /** @param variables besides PORT, OPS_PORT and DATA_DIR */
  static async create(variables: Variables = {}): Promise<ServiceProcess> {
    const dataDir = variables["DATA_DIR"] ?? (await mkdtemp(join(tmpdir(), "analytics-")));
    return new ServiceProcess(await freePort(), dataDir, variables);
  }

  private constructor(port: number, dataDir: string, variables: Variables) {
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = dataDir;
    // The gateway answers on the one, a process without it on the other.
    const ports = { PORT: String(port), OPS_PORT: String(port) };
    this.#variables = { ...variables, ...ports, DATA_DIR: dataDir };
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the service is not running");
    return pid;
  }

  /** What it has printed since it was created. */
  get output(): string {
    return this.#output;
  }

  /** The services in it, as they are configured; all of them where that is left open. */
  get name(): string {
    return this.#variables["SERVICES"] ?? "all";
  }

  /** Whether it ended by itself. */
  get hasEnded(): boolean {
    return this.#child !== null && !isRunning(this.#child);
  }

  /** Nothing happens where it does not run. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Starts it without waiting for anything. */
  spawn(): ChildProcess {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [runner, "--config", "moleculer.config.ts"], {
      cwd: root,
      env: { PATH, HOME, ...this.#variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    }
    this.#child = child;
    return child;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(withinMs: number = readyWithinMs): Promise<void> {
    const child = this.spawn();
    const deadline = Date.now() + withinMs;
    for (;;) {
      const why = await this.unreadiness();
      if (why === undefined) return;
      const ended = !isRunning(child);
      if (ended || Date.now() > deadline) {
        const reason = ended ? `it ended with ${child.signalCode ?? child.exitCode}` : why;
        throw new Error(`the service did not get ready: ${reason}\n${this.#output.slice(-4_000)}`);
      }
      await delay(20);
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.unreadiness()) === undefined;
  }

  /** Why it is not ready, in its own words where it has any. */
  async unreadiness(): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.url}/health/ready`);
      const said = await response.text();
      return response.ok ? undefined : said;
    } catch (error) {
      return String(error);
    }
  }

  /** Ends it as an operator does. @returns the exit code */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return null;
    if (isRunning(child)) {
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }

  /** Ends it and removes its folder. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
