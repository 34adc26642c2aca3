import type { ServerResponse } from "node:http";
import {
  allMissed,
  beatFrame,
  endFrame,
  missedFrame,
  type EndReason,
  type Missed,
} from "./frames.ts";

/** The most bytes that wait for a client. Events beyond that are skipped. */
const maxBehindBytes = 262_144;

/** A client that reads nothing for this long, while there is something for it, is disconnected. */
const takeWithinMs = 10_000;
const beatEveryMs = 15_000;

/** How long a client has to read the last frame. */
const lastWordMs = 1_000;

export interface ClientEvents {
  /** Called when frames were sent to the client. */
  sent(events: number): void;
  /** Called when events were skipped because the client is slow. */
  missed(events: number): void;
  cut(): void;
}

/**
 * One open answer of Server-Sent Events. It holds a bounded number of bytes, however slowly its
 * client reads.
 */
export class SseClient {
  readonly #response: ServerResponse;
  readonly #events: ClientEvents;
  #missed: Missed | undefined;
  #sentAt: number;
  #takenAt: number;
  #behindBytes = 0;
  #ended = false;

  /** @param now milliseconds that only grow */
  constructor(response: ServerResponse, events: ClientEvents, now: number) {
    this.#response = response;
    this.#events = events;
    this.#sentAt = now;
    this.#takenAt = now;
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#response.destroyed;
  }

  get isBehind(): boolean {
    return this.#response.writableLength > maxBehindBytes;
  }

  /**
   * @param events how many events the frames hold
   * @param told what the frames say that the client has missed
   */
  send(frames: Buffer | string, now: number, events = 0, told?: Missed): void {
    if (!this.isOpen) return;
    if (this.isBehind) {
      const skipped = { count: events, exact: true, because: "slow" } as const;
      if (events > 0) this.#missed = allMissed(this.#missed, skipped);
      if (told !== undefined) this.#missed = allMissed(this.#missed, told);
      this.#events.missed(events);
      return;
    }
    this.#tellMissed();
    this.#response.write(frames);
    this.#sentAt = now;
    this.#events.sent(events);
  }

  /**
   * Tells the client what it missed.
   * @param id the place up to which nothing more is to be sent; absent where frames follow, so that
   *   a client that is cut off between does not continue behind them
   */
  #tellMissed(id?: string): void {
    if (this.#missed === undefined) return;
    this.#response.write(missedFrame(id, this.#missed));
    this.#missed = undefined;
  }

  /**
   * Called about once a second: sends a heartbeat to a quiet client, and disconnects one that reads
   * nothing.
   * @param id the place up to which the client was sent everything, or was told what it missed;
   *   absent where that is unknown
   */
  look(now: number, id?: string): void {
    if (!this.isOpen) return;
    const behind = this.#response.writableLength;
    if (behind === 0 || behind < this.#behindBytes) this.#takenAt = now;
    this.#behindBytes = behind;
    if (now - this.#takenAt >= takeWithinMs) {
      this.#events.cut();
      return this.end("slow");
    }
    if (behind > 0 || now - this.#sentAt < beatEveryMs) return;
    this.#tellMissed(id);
    this.send(beatFrame(id), now);
  }

  /**
   * Tells the client that the answer ends, and closes the connection, at the latest after
   * `lastWordMs`.
   */
  end(because: EndReason): void {
    if (!this.isOpen) return;
    this.#ended = true;
    this.#response.end(endFrame(because));
    const cut = setTimeout(() => this.#response.destroy(), lastWordMs).unref();
    this.#response.once("close", () => clearTimeout(cut));
  }
}
