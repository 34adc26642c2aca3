/** How a command ended, for scripts. */
export const exitCodes = {
  done: 0,
  /** Something went wrong that trying again will not mend: a wrong key, a file that cannot be read. */
  failed: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** Done, but the service refused some events. */
  someRefused: 3,
  /** The service is away, or too busy: the same again later may work. */
  tryLater: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** What is wrong with the command line, for a person. */
export class UsageError extends Error {}
