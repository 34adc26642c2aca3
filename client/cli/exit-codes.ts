/** How a command ended, for scripts. */
export const exitCodes = {
  done: 0,
  /** The command failed, and a repetition would fail too: a wrong key, an unreadable file. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** The command ended, but the service refused some events. */
  someRefused: 3,
  /** The service is away, too busy, or failing: the same command may work later. */
  tryLater: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** A fault of the command line, in words. */
export class UsageError extends Error {}
