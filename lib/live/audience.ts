import { meetsFilter } from "../event/filter.ts";
import type { StoredEvent } from "../event/event.ts";
import { publicEvent, selectFields } from "../event/public-event.ts";
import type { PropertyPath } from "../event/property-path.ts";
import type { OpenFilter } from "../questions/reading/filter-parameters.ts";
import { comparePlaces, type PlacedEvent, type Place, type StoredPart } from "../store/stored.ts";
import { eventFrame, idOf, missedByWindow, missedFrame, type Missed } from "./frames.ts";

/** The events that one client wants: a project and a filter. */
export interface Interest {
  readonly project: string;
  readonly filter: OpenFilter;
  readonly fields?: readonly PropertyPath[];
}

/** A client of a stream. */
export interface Listener {
  /** Takes frames of `events` events. The frames say what was `missed`. */
  send(frames: Buffer, events: number, missed?: Missed): void;
}

/** Frames of one tick, shared by all clients with the same interest. */
interface Frame {
  readonly place: Place;
  readonly text: string;
}

interface Group {
  readonly interest: Interest;
  /** Up to which place a listener has everything, until it has caught up; then `undefined`. */
  readonly listeners: Map<Listener, Place | undefined>;
  /** How many bytes each of its listeners may still get. */
  credit: number;
}

/** Leaves room for an event of the largest size, however small a listener's share is. */
const largestFrame = 70_000;

/**
 * The most bytes that a listener gets at once, even if it is the only one. A slow listener may
 * leave all of it unread, so it stays in memory.
 */
export const mostBytesAtOnce = 524_288;

/** Whether an interest includes an event. */
export function isWanted(event: StoredEvent, { project, filter }: Interest): boolean {
  return event.project === project && meetsFilter(event, filter);
}

/** The frames of those events that an interest includes. */
export function framesOf(
  interest: Interest,
  events: readonly PlacedEvent[],
  now: number,
): readonly Frame[] {
  return events
    .filter(({ event }) => isWanted(event, interest))
    .map(({ place, event }) => ({
      place,
      text: eventFrame(idOf(place, now), jsonOf(event, interest)),
    }));
}

/**
 * The clients of all streams of one gateway. Each frame is built once for all clients with the same
 * interest.
 */
export class Audience {
  readonly #groups = new Map<string, Group>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param after the place up to which the listener has everything already */
  join(interest: Interest, listener: Listener, after: Place): void {
    const key = keyOf(interest);
    const group = this.#groups.get(key) ?? { interest, listeners: new Map(), credit: 0 };
    this.#groups.set(key, group);
    group.listeners.set(listener, after);
    this.#size += 1;
  }

  leave(interest: Interest, listener: Listener): void {
    const key = keyOf(interest);
    const group = this.#groups.get(key);
    if (group === undefined || !group.listeners.delete(listener)) return;
    this.#size -= 1;
    if (group.listeners.size === 0) this.#groups.delete(key);
  }

  /**
   * Tells clients that events which they wanted may have passed by, up to a place.
   * @param isBack whether the order of storing has begun anew, so that places seen before say
   *   nothing
   */
  passOver(upTo: Place, now: number, isBack = false): void {
    const notice = Buffer.from(missedFrame(idOf(upTo, now), missedByWindow));
    for (const { listeners } of this.#groups.values()) {
      for (const [listener, after] of listeners) {
        if (!isBack && after !== undefined && comparePlaces(upTo, after) <= 0) continue;
        listener.send(notice, 0, missedByWindow);
        listeners.set(listener, undefined);
      }
    }
  }

  /**
   * Sends stored events to the clients that want them.
   * @param bytesPerListener the share of each client; further events are skipped, and the client
   *   learns how many
   * @returns how many events were skipped, over all clients
   */
  deliver(part: StoredPart, now: number, bytesPerListener: number): number {
    const lastId = idOf(part.end, now);
    let missed = 0;
    for (const group of this.#groups.values()) {
      group.credit = Math.min(
        group.credit + bytesPerListener,
        Math.max(4 * bytesPerListener, largestFrame),
        mostBytesAtOnce,
      );
      const frames = framesOf(group.interest, part.events, now);
      const taken = within(frames, group.credit);
      const unsent = frames.slice(taken.length);
      const pack = (after?: Place) => {
        const lost = missedOf(group.interest, part, behind(unsent, after).length, after);
        return packed(behind(taken, after), lost, lastId);
      };
      const whole = pack();
      group.credit -= whole.bytes.length;
      for (const [listener, after] of group.listeners) {
        const own = after === undefined ? whole : pack(after);
        if (own.bytes.length > 0) listener.send(own.bytes, own.events, own.lost);
        if (after !== undefined && comparePlaces(part.end, after) >= 0)
          group.listeners.set(listener, undefined);
        missed += own.lost?.count ?? 0;
      }
    }
    return missed;
  }
}

/** The frames behind a place; without one all of them. */
function behind(frames: readonly Frame[], after: Place | undefined): readonly Frame[] {
  return after === undefined
    ? frames
    : frames.filter(({ place }) => comparePlaces(place, after) > 0);
}

/** Frames and what was missed, as a listener takes them. */
function packed(frames: readonly Frame[], lost: Missed | undefined, lastId: string) {
  const notice = lost === undefined ? "" : missedFrame(lastId, lost);
  const bytes = Buffer.from(frames.map(({ text }) => text).join("") + notice);
  return { bytes, events: frames.length, lost };
}

function within(frames: readonly Frame[], bytes: number): readonly Frame[] {
  let left = bytes;
  const end = frames.findIndex(({ text }) => (left -= Buffer.byteLength(text)) < 0);
  return end < 0 ? frames : frames.slice(0, end);
}

/**
 * For a filter by types alone the counts say how many skipped events matched; for any other filter
 * they are an upper bound, as they are for a listener that has some of the events that were not
 * read.
 * @param unsent how many events that were read are not sent
 * @param after the place up to which the listener has everything; absent: it has nothing of the part
 */
function missedOf(
  { project, filter }: Interest,
  { counts, events, upTo, end }: StoredPart,
  unsent: number,
  after?: Place,
): Missed | undefined {
  const isOfTypes = (type: string) => filter.types?.includes(type) ?? true;
  const stored = counts.reduce(
    (sum, [of, type, count]) => sum + (of === project && isOfTypes(type) ? count : 0),
    0,
  );
  const seen = events.filter(({ event }) => event.project === project && isOfTypes(event.type));
  const hasAll = after !== undefined && comparePlaces(after, end) >= 0;
  const hasSome = after !== undefined && comparePlaces(after, upTo) > 0;
  const unseen = hasAll ? 0 : Math.max(0, stored - seen.length);
  if (unseen + unsent === 0) return undefined;
  const { types: _types, ...others } = filter;
  const byTypesAlone = Object.values(others).every(
    (value) => value === undefined || (Array.isArray(value) && value.length === 0),
  );
  return {
    count: unseen + unsent,
    exact: unseen === 0 || (byTypesAlone && !hasSome),
    because: "rate",
  };
}

function jsonOf(event: StoredEvent, { fields }: Interest): string {
  const shown = publicEvent(event);
  return JSON.stringify(fields === undefined ? shown : selectFields(shown, fields));
}

function keyOf(interest: Interest): string {
  return JSON.stringify(interest);
}
