import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../tools/servers/free-ports.ts";
import {
  startService,
  unreadiness,
  whenReady,
  type RunningService,
} from "../tools/service-process.ts";

const readyWithinMs = 90_000;

export type Variables = Readonly<Record<string, string>>;

/** A service on a port and a folder of its own, which is started, ended and started again. */
export class ServiceProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly #port: number;
  readonly #variables: Variables;
  #running: RunningService | null = null;
  #output = "";

  /** @param variables besides PORT, OPS_PORT and DATA_DIR */
  static async create(variables: Variables = {}): Promise<ServiceProcess> {
    const dataDir = variables["DATA_DIR"] ?? (await mkdtemp(join(tmpdir(), "analytics-")));
    return new ServiceProcess(await freePort(), dataDir, variables);
  }

  private constructor(port: number, dataDir: string, variables: Variables) {
    this.url = `http://127.0.0.1:${port}`;
    this.dataDir = dataDir;
    this.#port = port;
    // The gateway answers on PORT, a process without it on OPS_PORT.
    this.#variables = { ...variables, OPS_PORT: String(port) };
  }

  get pid(): number {
    if (this.#running === null) throw new Error("the service is not running");
    return this.#running.pid;
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
    return this.#running !== null && !this.#running.isRunning();
  }

  /** Nothing happens where it does not run. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.child.kill(signal);
  }

  /** Starts it without waiting for anything. */
  spawn(): ChildProcess {
    this.#running = startService({
      port: this.#port,
      dataDir: this.dataDir,
      env: this.#variables,
      bare: true,
      output: (text) => (this.#output += text),
    });
    return this.#running.child;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(withinMs: number = readyWithinMs): Promise<void> {
    this.spawn();
    try {
      await whenReady(this.#running!, { withinMs, everyMs: 20 });
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${message}\n${this.#output.slice(-4_000)}`, { cause: error });
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.unreadiness()) === undefined;
  }

  /** Why it is not ready, in its own words where it has any. */
  unreadiness(): Promise<string | undefined> {
    return unreadiness(this.url);
  }

  /** Ends it as an operator does. @returns the exit code */
  async stop(): Promise<number | null> {
    const running = this.#running;
    this.#running = null;
    await running?.stop();
    return running?.child.exitCode ?? null;
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    running?.child.kill("SIGKILL");
    await running?.ended;
  }

  /** Ends it and removes its folder. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
