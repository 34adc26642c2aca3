import { Loggers } from "moleculer";
import { prettyFactory } from "pino-pretty";
import type { Config } from "../config.ts";

type Level = "fatal" | "error" | "warn" | "info" | "debug" | "trace";
type Bindings = Parameters<Loggers.Pino["getLogHandler"]>[0];
type Handler = (level: Level, args: unknown[]) => void;

/** The output of lines: a stream that knows whether a person reads it. */
interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Writes the log: one line of JSON each, or short coloured lines where the output is a terminal.
 * Our own lines begin with their fields; a bare text at `info` is Moleculer's or moleculer-web's
 * account of its own start, and is written at `debug`.
 */
export class ServiceLogger extends Loggers.Pino {
  constructor({ logLevel }: Pick<Config, "logLevel">, output: Output = process.stdout) {
    super({
      level: logLevel,
      pino: {
        options: {
          level: logLevel,
          base: null,
          timestamp: isoTime,
          formatters: { level: levelName },
        },
        destination: output.isTTY === true ? prettyLines(output) : output,
      },
    });
  }

  override getLogHandler(bindings: Bindings): Handler | null {
    const write = super.getLogHandler(bindings);
    if (write === null) return null;
    return (level, args) => write(isChatter(level, args[0]) ? "debug" : level, args);
  }
}

/**
 * Calls before the services are registered are refused with 503 and counted, so they need no line
 * each.
 */
const unregistered = /^Service '.+' is not registered\.$/;

function isChatter(level: Level, first: unknown): boolean {
  if (typeof first !== "string") return false;
  return level === "info" || (level === "warn" && unregistered.test(first));
}

/** Formats in the writing thread, so that the last lines of a dying process are not lost. */
function prettyLines(output: Output): { write(line: string): void } {
  const format = prettyFactory({
    colorize: true,
    ignore: "nodeID,ns,svc,mod",
    translateTime: "SYS:HH:MM:ss.l",
  });
  return { write: (line) => void output.write(format(line)) };
}

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}

function levelName(label: string): { level: string } {
  return { level: label };
}
