import { sampleOf, type SampleJob, type SampleKind } from "../../questions/catalog/samples.ts";
import { fromRow } from "../rows.ts";
import { sampleSize, type Sampled, type SampleFilter } from "../store.ts";
import type { Database } from "./database.ts";
import { page } from "./pages.ts";

/** Samples the newest events that meet a filter. */
export function sample<K extends SampleKind>(
  db: Database,
  filter: SampleFilter,
  job: SampleJob<K>,
  timeoutMs: number,
): Sampled<K> {
  const query = { ...filter, order: "desc", limit: sampleSize.events } as const;
  const { rows, next } = page(db, query, { maxBytes: sampleSize.maxBytes, timeoutMs });
  const found = sampleOf(job);
  for (const row of rows) found.add(fromRow(row));
  return { result: found.finish(), events: rows.length, isWhole: next === undefined };
}
