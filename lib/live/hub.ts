import { setTimeout as delay } from "node:timers/promises";
import { comparePlaces, type Place, type StoredPart, type StoredQuery } from "../store/stored.ts";
import { Audience, framesOf, mostBytesAtOnce, type Interest, type Listener } from "./audience.ts";
import { idOf, missedByWindow, missedFrame, placeOf } from "./frames.ts";

/** The calls that the hub makes to its gateway. */
export interface HubSurroundings {
  read(query: StoredQuery): Promise<StoredPart>;
  /** Called with the counts of stored events of projects, by type, since the last call. */
  counted(counts: StoredPart["counts"]): void;
  /** Called with the number of events that clients missed. */
  missed(events: number): void;
  /** Called once when new events cannot be read, however often that fails. */
  failed(error: unknown): void;
  /** Called once they can be read again. */
  recovered(): void;
}

/** A client that first catches up. */
export interface Follower extends Listener {
  readonly isOpen: boolean;
  readonly isBehind: boolean;
}

const eventsAtOnce = 500;
const bytesPerSecond = 16_000_000;

/**
 * The first page of a client that catches up; later pages grow until they are about as large as a
 * client may hold.
 */
const firstEvents = 8;

/** The pause between two reads of new events: it is longer the more clients there are. */
const shortestMs = 250;
const longestMs = 1_000;
const clientsPerStep = 250;

/** An id older than this is refused: its place may be behind the window. */
const windowMs = 300_000;

/** How often the hub looks whether a client that catches up has read what it got. */
const pollMs = 50;

/**
 * Follows the order of storing while somebody listens, with one read for all clients of a gateway.
 * Without listeners it does nothing.
 */
export class Hub {
  readonly audience = new Audience();
  readonly #around: HubSurroundings;
  readonly #window: number;
  readonly #projects = new Map<string, number>();
  readonly #counted = new Map<string, number>();
  #place: Place | undefined;
  #reading: Promise<void> = Promise.resolve();
  #running = false;
  #isFailing = false;

  /**
   * @param window a client may continue at its last event if at most this many events came since
   */
  constructor(around: HubSurroundings, window: number) {
    this.#around = around;
    this.#window = window;
  }

  /** The end of the order at the last read. */
  get place(): Place | undefined {
    return this.#place;
  }

  /**
   * Counts the stored events of a project.
   * @returns a function that ends the counting
   */
  count(project: string): () => void {
    return this.#hold(this.#counted, project);
  }

  /**
   * Decides where a stream begins: behind the client's last id, else at the present end of the
   * order.
   * @returns `firstFrames`: frames for the client before all others
   */
  async begin(
    lastId: string | undefined,
    now: number,
  ): Promise<{ readonly place: Place; readonly firstFrames: string }> {
    const known = lastId === undefined ? undefined : placeOf(lastId);
    const isYoung = known !== undefined && now - known.at <= windowMs;
    const after = isYoung ? known.place : null;
    const part = await this.#around.read({ ...this.#nothing, after });
    if (lastId === undefined) return { place: part.end, firstFrames: "" };
    if (after !== null && part.isHeld) return { place: after, firstFrames: "" };
    const { end } =
      after === null ? part : await this.#around.read({ ...this.#nothing, after: null });
    return { place: end, firstFrames: missedFrame(idOf(end, now), missedByWindow) };
  }

  /**
   * Sends a client everything behind a place, from now on, until it leaves.
   * @returns a function to call when it leaves
   */
  async follow(interest: Interest, client: Follower, from: Place): Promise<() => void> {
    const release = this.#hold(this.#projects, interest.project);
    try {
      // A read may be under way that began before this project was followed: it would skip the
      // project.
      await this.#reading;
      let place = from;
      let limit = firstEvents;
      for (;;) {
        const part = await this.#around.read({
          ...this.#nothing,
          after: place,
          projects: [interest.project],
          limit,
          window: 0,
        });
        await taken(client);
        const sentBytes = sendTo(client, interest, part);
        const stands = comparePlaces(part.upTo, place) === 0;
        place = part.upTo;
        limit = nextLimit(limit, sentBytes);
        const isWhole = comparePlaces(part.upTo, part.end) >= 0;
        const isUpToDate = this.#place === undefined || comparePlaces(this.#place, place) <= 0;
        if ((isWhole && isUpToDate) || !client.isOpen) break;
        // The next batch is known to the hub already, and is not to be read yet.
        if (stands) await delay(shortestMs, undefined, { ref: false });
      }
      this.#place ??= place;
      this.audience.join(interest, client, place);
      return () => {
        release();
        this.audience.leave(interest, client);
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  get #nothing(): StoredQuery {
    return { after: null, projects: [], counted: [], limit: 0, window: this.#window };
  }

  #hold(counts: Map<string, number>, project: string): () => void {
    counts.set(project, (counts.get(project) ?? 0) + 1);
    this.#run();
    return () => {
      const left = (counts.get(project) ?? 1) - 1;
      if (left === 0) counts.delete(project);
      else counts.set(project, left);
    };
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    while (this.#projects.size + this.#counted.size > 0) {
      const steps = Math.ceil(this.audience.size / clientsPerStep);
      const everyMs = Math.min(longestMs, Math.max(1, steps) * shortestMs);
      await delay(everyMs, undefined, { ref: false });
      this.#reading = this.#look(everyMs);
      await this.#reading;
    }
    this.#running = false;
    this.#isFailing = false;
    this.#place = undefined;
  }

  async #look(everyMs: number): Promise<void> {
    try {
      await this.#goOn(everyMs);
      if (this.#isFailing) this.#around.recovered();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#around.failed(error);
      this.#isFailing = true;
    }
  }

  /** Reads what is new, and sends it to those that want it. */
  async #goOn(everyMs: number): Promise<void> {
    const after = this.#place ?? null;
    const part = await this.#around.read({
      after,
      projects: [...this.#projects.keys()],
      counted: [...this.#counted.keys()],
      limit: eventsAtOnce,
      window: 0,
    });
    // The place stays where a client that came meanwhile has set it.
    if (after === null) return void (this.#place ??= part.end);
    this.#place = part.end;
    if (part.hasGap) {
      const isBack = comparePlaces(part.end, after) < 0;
      return this.audience.passOver(part.end, Date.now(), isBack);
    }
    this.#around.counted(part.counts);
    if (part.counts.length === 0) return;
    const budget = (bytesPerSecond * everyMs) / 1_000;
    const share = budget / Math.max(1, this.audience.size);
    this.#around.missed(this.audience.deliver(part, Date.now(), share));
  }
}

/** @returns how many bytes were sent */
function sendTo(client: Follower, interest: Interest, part: StoredPart): number {
  const now = Date.now();
  const { events, end } = part;
  if (part.hasGap) {
    client.send(Buffer.from(missedFrame(idOf(end, now), missedByWindow)), 0, missedByWindow);
    return 0;
  }
  const frames = framesOf(interest, events, now);
  if (frames.length === 0) return 0;
  const whole = Buffer.from(frames.map(({ text }) => text).join(""));
  client.send(whole, frames.length);
  return whole.length;
}

/** At most four times the last limit, where the events were small. */
function nextLimit(limit: number, sentBytes: number): number {
  const fitting = Math.floor((mostBytesAtOnce / Math.max(1, sentBytes)) * limit);
  return Math.max(firstEvents, Math.min(eventsAtOnce, 4 * limit, fitting));
}

async function taken(client: Follower): Promise<void> {
  while (client.isOpen && client.isBehind) await delay(pollMs, undefined, { ref: false });
}
