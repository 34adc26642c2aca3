import type { StoredEvent } from "../../../../../lib/event/event.ts";
import { Segment } from "../../../../../lib/store/sqlite/columns/reader.ts";
import { Shredder, type Shredded } from "../../../../../lib/store/sqlite/columns/writer.ts";
import { toRow } from "../../../../../lib/store/rows.ts";

export function shredded(stored: readonly StoredEvent[]): Shredded {
  const shredder = new Shredder(stored.length);
  for (const one of stored) shredder.add(toRow(one, one.batch));
  return shredder.finish();
}

/**
 * Events as a segment.
 * @param changed columns in the place of those of the events
 */
export function segmentOf(
  stored: readonly StoredEvent[],
  changed: Shredded["columns"] = [],
): Segment {
  const { rows, complete, columns } = shredded(stored);
  const byName = new Map([...columns, ...changed]);
  const instants = stored.map(({ timestamp }) => timestamp);
  return new Segment({
    rows,
    complete,
    oldest: Math.min(...instants),
    newest: Math.max(...instants),
    fetch: (name) => byName.get(name),
  });
}
