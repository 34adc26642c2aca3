import { coverAll, type Cover } from "../../counting/cover.ts";
import { grainMs, type Grain } from "../../counting/bucket.ts";
import type { Section } from "../../counting/cells.ts";
import {
  bucketsAtOnce,
  markedDays,
  parted,
  sourcesOf,
  type Column,
  type CoverSource,
} from "../../counting/cover-parts.ts";
import { withoutFinal, type Floors } from "../../counting/floors.ts";
import type { Range } from "../../event/filter.ts";
import type { SectionText } from "../cells-text.ts";
import type { Database } from "./database.ts";
import { deltaSums } from "./delta-sums.ts";
import { marks } from "./marks.ts";
import { rollups } from "./rollups.ts";

/** `CoveredPart` with its rows as text. */
export interface CoveredText {
  readonly cover: Cover;
  readonly rows: readonly { readonly grain: Grain; readonly texts: readonly SectionText[] }[];
  readonly rest: Cover;
}

/** How long rows are read, milliseconds, and about how much JSON they may have, in characters. */
const most = { ms: 10, json: 524_288 };

export function covered(
  db: Database,
  project: string,
  columns: readonly Column[],
  section: Section,
  sealed?: Floors,
): CoveredText {
  const found = marks(db, project, markedDays(columns));
  const cover = coverAll(columns, sealed === undefined ? found : withoutFinal(found, sealed));
  const until = performance.now() + most.ms;
  let json = 0;
  const rows: { grain: Grain; texts: readonly SectionText[] }[] = [];
  const readWhileQuick = ({ isMarked, grain, ranges }: CoverSource): readonly Range[] => {
    let left = ranges;
    let buckets: number = bucketsAtOnce.first;
    while (left.length > 0 && json <= most.json && performance.now() <= until) {
      const [part, after] = parted(left, buckets * grainMs[grain]);
      const starts = part.map(({ from }) => from);
      const texts = isMarked
        ? deltaSums(db, project, starts, section)
        : rollups(db, project, grain, part, section);
      rows.push({ grain, texts });
      json += texts.reduce((sum, [, text]) => sum + text.length, 0);
      left = after;
      buckets = Math.min(4 * buckets, bucketsAtOnce.most);
    }
    return left;
  };
  const [minute, hour, day, deltas] = sourcesOf(cover).map(readWhileQuick);
  const rest = {
    rollups: { minute: minute!, hour: hour!, day: day! },
    deltas: deltas!.map(({ from }) => from),
    events: cover.events,
  };
  return { cover, rows, rest };
}
