/** A log for operators, fields first. Moleculer's and pino's loggers fit. */
export interface Log {
  info(fields: object, phrase: string): void;
  warn(fields: object, phrase: string): void;
  error(fields: object, phrase: string): void;
}

/** For callers that want no log. */
export const silent: Log = { info() {}, warn() {}, error() {} };
