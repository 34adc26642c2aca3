import type { StoreLog } from "./store-log.ts";

/** Tells of the threads of one role: one line when they cannot use the file, one when they can again. */
export class StateLog {
  readonly #log: StoreLog;
  readonly #fields: object;
  #away = false;

  constructor(log: StoreLog, fields: { readonly file: string; readonly role: string }) {
    this.#log = log;
    this.#fields = fields;
  }

  away(reason: string): void {
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
