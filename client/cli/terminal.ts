/** The output of a command, and the signal that ends it early. */
export interface Terminal {
  /** Writes results to standard output, at the reader's pace. */
  readonly print: (text: string) => Promise<void>;
  /** Writes a line of anything else to standard error, without commands to the terminal. */
  readonly tell: (line: string) => void;
  /** Writes a line to standard error that the next one replaces; an empty one removes it. */
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
