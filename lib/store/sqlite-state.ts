import type { StoreLog } from "./store-log.ts";

/** What the threads of one role went through. Tells it: one line when they cannot use the file, one when they can again. */
export class StateLog {
  readonly #log: StoreLog;
  readonly #fields: object;
  #away = false;
  #damaged = false;

  constructor(log: StoreLog, fields: { readonly file: string; readonly role: string }) {
    this.#log = log;
    this.#fields = fields;
  }

  /** Whether the last call failed because the file could not be used. */
  get isAway(): boolean {
    return this.#away;
  }

  /** Whether a part of the file could not be read, once. */
  get damaged(): boolean {
    return this.#damaged;
  }

  away(reason: string, damaged = false): void {
    this.#damaged ||= damaged;
    if (!this.#away) this.#log.error({ ...this.#fields, reason }, "store is away");
    this.#away = true;
  }

  back(): void {
    if (this.#away) this.#log.info(this.#fields, "store is back");
    this.#away = false;
  }

  refused(reason: string): void {
    this.#log.error({ ...this.#fields, reason }, "store refused a call");
  }
}
