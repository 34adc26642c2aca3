import { analyze } from "./sqlite-analyze.ts";
import { append } from "./sqlite-append.ts";
import { brokenEvents, countBroken, setAside } from "./sqlite-broken.ts";
import type { Database } from "./sqlite-database.ts";
import { deltaSums, fold, planFold, putDeltas, sumDeltas } from "./sqlite-deltas.ts";
import { nextColumns, putColumns } from "./sqlite-columns.ts";
import { countEntities, findEntities, findKeys } from "./sqlite-entities.ts";
import { countEvents, event, events, fingerprint } from "./sqlite-events.ts";
import { keepWhole } from "./sqlite-keep.ts";
import { look } from "./sqlite-look.ts";
import { clearMark, dirty, dirtyBacklog, markDirty, markParent, marks } from "./sqlite-marks.ts";
import { removeQuestion, savedQuestion, savedQuestions, saveQuestion } from "./sqlite-questions.ts";
import { eventsText, page } from "./sqlite-pages.ts";
import { rollups, sumChildren, writeRollup } from "./sqlite-rollups.ts";

/** What the writing thread can do, each within a transaction. */
export const writerVerbs = {
  keepWhole,
  append,
  putDeltas,
  fold,
  markDirty,
  markParent,
  clearMark,
  writeRollup,
  putColumns,
  saveQuestion,
  removeQuestion,
  setAside,
  ping,
};

/** What a reading thread can do, each on one state of the file. */
export const readerVerbs = {
  look,
  event,
  events,
  page,
  eventsText,
  countEvents,
  fingerprint,
  dirty,
  dirtyBacklog,
  marks,
  rollups,
  sumDeltas,
  deltaSums,
  sumChildren,
  planFold,
  analyze,
  nextColumns,
  savedQuestion,
  savedQuestions,
  brokenEvents,
  countBroken,
  findKeys,
  findEntities,
  countEntities,
};

/** A small durable write: only that shows that others would succeed. */
function ping(db: Database): void {
  db.run("UPDATE pings SET at = ?", Date.now());
}
