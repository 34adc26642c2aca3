import { person } from "./people.ts";
import { seeded } from "./random.ts";
import { mailsOfDay, schedule, type Span } from "./schedule.ts";
import { story, type MailEvent } from "./story.ts";

interface MailTraffic {
  /** Chance and recipients both follow from it. */
  readonly seed: number;
  readonly mails: number;
  /** Mails are sent within `[from, to)`, epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  /**
   * Events are told up to here, `to` where it is not given: what happens later has not happened
   * yet.
   */
  readonly until?: number;
  /** How the sendings spread: with the hours and days of the week (default), or evenly. */
  readonly shape?: "daily" | "steady";
  /** How many recipients there are; a quarter of the mails where it is not given. */
  readonly people?: number;
}

const mailStream = 3;
const dayMs = 86_400_000;

/**
 * The events of a mail sender, in time order, ties by id. The same traffic gives the same events,
 * ids included; another `from` or another seed gives other ids. Memory holds the sendings, and what
 * is still to happen to the mails sent so far.
 */
export function* mailEvents(traffic: MailTraffic): Generator<MailEvent, void> {
  const { seed, mails, from, to, until = to, shape = "daily" } = traffic;
  const people = traffic.people ?? peopleOf(mails);
  yield* eventsOf([{ seed, mails, from, to, shape }], people, until);
}

interface DaysOfTraffic {
  readonly seed: number;
  /** Mails of `days` days, on average. */
  readonly mails: number;
  readonly days: number;
  /** An instant of the last day, which is told to its end: `days` whole days come before it. */
  readonly lastDay: number;
}

/**
 * The same, a day of UTC at a time: what happens to the mails of a day does not depend on which days
 * are asked for with it, so streams that are begun on other days share the events of their common
 * days.
 */
export function* mailEventsOfDays(traffic: DaysOfTraffic): Generator<MailEvent, void> {
  const { seed, mails, days, lastDay } = traffic;
  const last = Math.floor(lastDay / dayMs);
  const spans = Array.from({ length: days + 1 }, (_, index): Span => {
    const day = last - days + index;
    const ofDay = mailsOfDay(day, mails / days, seed);
    return { seed, mails: ofDay, from: day * dayMs, to: (day + 1) * dayMs, shape: "daily" };
  });
  yield* eventsOf(spans, peopleOf(mails), Infinity);
}

/** How many recipients so many mails have. */
export function peopleOf(mails: number): number {
  return Math.max(50, Math.ceil(mails / 4));
}

/** The events of the mails of spans that follow each other. */
function* eventsOf(
  spans: readonly Span[],
  people: number,
  until: number,
): Generator<MailEvent, void> {
  const ahead = new Agenda();
  for (const span of spans) {
    const { seed, from } = span;
    for (const [index, { at, template }] of schedule(span).entries()) {
      yield* ahead.before(Math.min(at, until));
      const random = seeded(seed, mailStream + Math.floor(from / 1_000), index);
      const recipient = person(seed, random.below(people));
      const chance = Math.floor(random.next() * 0x1_0000_0000).toString(36);
      const id = `m-${at.toString(36)}-${index.toString(36)}-${chance}`;
      for (const event of story({ id, at, template, person: recipient }, random)) {
        if (event.timestamp < until) ahead.add(event);
      }
    }
  }
  yield* ahead.before(until);
}

/** Several streams of events, each in time order, as one in time order. */
export function* inTimeOrder(...streams: Iterable<MailEvent>[]): Generator<MailEvent, void> {
  const heads = streams.map((stream) => stream[Symbol.iterator]()).map((rest) => advance(rest));
  for (;;) {
    let first: ReturnType<typeof advance> | undefined;
    for (const head of heads) {
      if (head.event === undefined) continue;
      if (first?.event === undefined || isBefore(head.event, first.event)) first = head;
    }
    if (first?.event === undefined) return;
    yield first.event;
    first.event = next(first.rest);
  }
}

/**
 * One stream as two, at an instant: what is told of `before` first, then of `after`. `after` begins
 * where `before` was left, so `before` is to be read to its end.
 */
export function splitAt(
  events: Iterable<MailEvent>,
  instant: number,
): { readonly before: Generator<MailEvent, void>; readonly after: Generator<MailEvent, void> } {
  const head = advance(events[Symbol.iterator]());
  function* upTo(end: number): Generator<MailEvent, void> {
    while (head.event !== undefined && head.event.timestamp < end) {
      const { event } = head;
      head.event = next(head.rest);
      yield event;
    }
  }
  return { before: upTo(instant), after: upTo(Infinity) };
}

function advance(rest: Iterator<MailEvent>): {
  readonly rest: Iterator<MailEvent>;
  event: MailEvent | undefined;
} {
  return { rest, event: next(rest) };
}

function next(rest: Iterator<MailEvent>): MailEvent | undefined {
  const result = rest.next();
  return result.done === true ? undefined : result.value;
}

function isBefore(one: MailEvent, other: MailEvent): boolean {
  return (
    one.timestamp < other.timestamp || (one.timestamp === other.timestamp && one.id < other.id)
  );
}

/** What is still to happen: a binary heap with the next event on top. */
class Agenda {
  readonly #heap: MailEvent[] = [];

  add(event: MailEvent): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes out and yields, in order, all events before an instant. */
  *before(instant: number): Generator<MailEvent, void> {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.timestamp >= instant) return;
      this.#removeFirst();
      yield first;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
