import type { Delivery, DurableQueue, Handler, Outcome } from "../../lib/queue/queue.ts";
import { eventually } from "../support/eventually.ts";

export interface QueueHarnessOptions {
  readonly maxBytes?: number;
  readonly retryDelaysMs?: readonly number[];
}

/** What differs between implementations. */
export interface QueueTraits {
  /** Sizes and the bound are those of the bodies, up to a fixed overhead of less than 200 bytes each. */
  readonly exactSizes: boolean;
  /** The oldest message is taken to be the first in line: no other one can be seen. */
  readonly oldestIsFirst?: boolean;
  /** Why the tests cannot make it unavailable, where they cannot. */
  readonly cannotBreak?: string;
}

/** One queue, empty at first, that can be opened several times in turn, with the same options each time. */
export interface QueueHarness {
  open(): Promise<DurableQueue>;
  /** End an open queue as a crash of its process would: nothing is carried out any more. */
  crash(queue: DurableQueue): Promise<void>;
  /** Make publishing impossible until the returned function is called. Not called where `cannotBreak` says why. */
  breakIt(): Promise<() => Promise<void>>;
  /** Close what is open and remove everything. */
  dispose(): Promise<void>;
}

export type OpenHarness = (options: QueueHarnessOptions) => Promise<QueueHarness>;

export const done: Outcome = { status: "done" };
export const retry: Outcome = { status: "retry", reason: "not yet" };
export const dead: Outcome = { status: "dead", reason: "no good" };
export const hold: Outcome = { status: "hold" };

/** A message whose body is a text, and the text of a delivery's body. */
export const message = (text: string, receivedAt: number = 1_700_000_000_000) => ({
  body: new TextEncoder().encode(text),
  receivedAt,
});
export const textOf = ({ body }: { readonly body: Uint8Array }) => new TextDecoder().decode(body);

/** Records what is delivered and answers as told. */
export class Inbox {
  readonly deliveries: Delivery[] = [];
  readonly #answer: (delivery: Delivery) => Outcome | Promise<Outcome>;

  constructor(answer: (delivery: Delivery) => Outcome | Promise<Outcome> = () => done) {
    this.#answer = answer;
  }

  readonly handle: Handler = async (delivery) => {
    this.deliveries.push(delivery);
    return this.#answer(delivery);
  };

  get texts(): string[] {
    return this.deliveries.map(textOf);
  }

  /** The deliveries, once there are that many. */
  arrived(count: number): Promise<readonly Delivery[]> {
    return eventually(() => {
      if (this.deliveries.length < count) {
        const texts = this.texts.map((text) => text.slice(0, 20)).slice(-20);
        throw new Error(`${this.deliveries.length} of ${count} deliveries, last ${texts.join()}`);
      }
      return this.deliveries;
    });
  }
}

/** A promise that a test opens by hand. */
export function latch(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
