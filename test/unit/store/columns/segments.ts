import type { StoredEvent } from "../../../../lib/event/event.ts";
import { ColumnReader } from "../../../../lib/store/columns/reader.ts";
import { ColumnWriter, type WrittenColumns } from "../../../../lib/store/columns/writer.ts";
import { toRow } from "../../../../lib/store/rows.ts";

export function writtenColumns(stored: readonly StoredEvent[], isByTime = false): WrittenColumns {
  const writer = new ColumnWriter(stored.length);
  for (const one of stored) writer.add(toRow(one, one.batch));
  return writer.finish(isByTime);
}

/**
 * Events as a segment.
 * @param changed columns in the place of those of the events
 * @param announced of which columns alone may be read; default any
 * @param project the project of all events, where it is known
 */
export function columnReaderOf(
  stored: readonly StoredEvent[],
  changed: WrittenColumns["columns"] = [],
  announced?: readonly string[],
  project?: string,
): ColumnReader {
  const { rows, complete, columns } = writtenColumns(stored);
  const byName = new Map([...columns, ...changed]);
  const instants = stored.map(({ timestamp }) => timestamp);
  return new ColumnReader({
    ...(project !== undefined && { project }),
    rows,
    complete,
    oldest: Math.min(...instants),
    newest: Math.max(...instants),
    fetch: (name) => {
      if (announced?.includes(name) === false) throw new Error(`${name} was not announced`);
      return byName.get(name);
    },
  });
}
