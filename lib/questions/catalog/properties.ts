import type { StoredEvent } from "../../event/event.ts";
import { each, nameOf, readPath, type Segment } from "../../event/property-path.ts";
import { type Sample, valueKindOf, valueKinds, type ValueKind } from "./sample.ts";

/** Asks which properties some events have. */
export interface PropertiesJob {
  readonly kind: "properties";
  /** The most properties in an answer, the most frequent first. */
  readonly limit: number;
}

export interface PropertyRow {
  /** The property as filters name it. */
  readonly property: string;
  /** The kinds of its values, in the order of `valueKinds`. */
  readonly kinds: readonly ValueKind[];
  /** The share of the events that have it, 0 to 1. */
  readonly share: number;
}

export interface Properties {
  readonly rows: readonly PropertyRow[];
  readonly rowsLeftOut: number;
}

/** An event's own fields that filters can name, and the parts whose properties filters can name. */
const ownFields = ["type", "source", "correlationId"] as const;
const parts = ["data", "metadata", "context"] as const;

/** The most keys in the path to a property. Paths of filters may be twice as long. */
const maxDepth = 8;

/** The most places in memory: events whose keys are ids make a place for each id. */
const maxPlaces = 10_000;

/** A path in events: the kinds of its values, and the paths inside it. */
class Place {
  readonly kinds = new Set<ValueKind>();
  readonly inner = new Map<Segment, Place>();
  events = 0;
  /** The number of the last event with a value here: the elements of one list come one by one. */
  last = -1;
}

/**
 * Counts each property once for each event that has it. An object counts only if it is empty, else
 * its properties count; a list counts, and so do its elements.
 */
export function propertiesSample({ limit }: PropertiesJob): Sample<Properties> {
  const top = new Place();
  let events = 0;
  let places = 0;
  let isCut = false;

  function see(place: Place, value: unknown, depth: number): void {
    const kind = valueKindOf(value);
    const keys = kind === "object" ? Object.keys(value as object) : [];
    if (keys.length === 0) note(place, kind);
    const elements = kind === "list" ? (value as readonly unknown[]) : [];
    if (depth === maxDepth) {
      isCut ||= keys.length > 0 || elements.length > 0;
      return;
    }
    for (const key of keys) {
      within(place, key, (value as Readonly<Record<string, unknown>>)[key], depth);
    }
    for (const element of elements) within(place, each, element, depth);
  }

  function within(place: Place, segment: Segment, value: unknown, depth: number): void {
    let inner = place.inner.get(segment);
    if (inner === undefined) {
      if (places === maxPlaces) {
        isCut = true;
        return;
      }
      places += 1;
      place.inner.set(segment, (inner = new Place()));
    }
    see(inner, value, depth + 1);
  }

  function note(place: Place, kind: ValueKind): void {
    place.kinds.add(kind);
    if (place.last === events) return;
    place.last = events;
    place.events += 1;
  }

  return {
    add(event: StoredEvent) {
      for (const name of ownFields)
        if (event[name] !== undefined) within(top, name, event[name], 0);
      for (const name of parts) if (event[name] !== undefined) within(top, name, event[name], 0);
      events += 1;
    },
    finish() {
      const all = [...rowsOf(top, [], events)];
      // Keys can be longer than filters' names may be.
      const rows = all.filter(({ property }) => readPath(property) !== undefined);
      rows.sort((a, b) => b.share - a.share || (a.property < b.property ? -1 : 1));
      const shown = rows.slice(0, limit);
      // It is unknown how many more properties there are, only that there are some.
      return { rows: shown, rowsLeftOut: all.length - shown.length + Number(isCut) };
    },
  };
}

function* rowsOf(
  place: Place,
  path: readonly Segment[],
  events: number,
): Generator<PropertyRow, void> {
  const isPart = path.length === 1 && (parts as readonly unknown[]).includes(path[0]);
  if (place.kinds.size > 0 && !isPart) {
    const property = nameOf(path as readonly [string, ...Segment[]]);
    const kinds = valueKinds.filter((kind) => place.kinds.has(kind));
    yield { property, kinds, share: place.events / events };
  }
  for (const [segment, inner] of place.inner) yield* rowsOf(inner, [...path, segment], events);
}
