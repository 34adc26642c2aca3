/** Where a command writes, and what ends it early. */
export interface Terminal {
  /** Results: to standard output, at the pace of whoever reads them. */
  readonly print: (text: string) => Promise<void>;
  /** Everything else: a line to standard error. */
  readonly tell: (line: string) => void;
  /** A line that the next one replaces, to standard error; empty to take it away. */
  readonly draw: (line: string) => void;
  /** Whether a person watches standard error. */
  readonly isWatched: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and by the signal to end. */
  readonly interrupted: AbortSignal;
}

/** A command of the command line. */
export interface Command {
  /** One line of the overview. */
  readonly summary: string;
  readonly usage: string;
  /** @returns the exit code */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}
