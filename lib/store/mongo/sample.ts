import { sampleOf, type SampleJob, type SampleKind } from "../../questions/catalog/samples.ts";
import type { ReadLimits } from "../../event/event-page.ts";
import { sampleSize, type Sampled, type SampleFilter } from "../store.ts";
import type { Collections } from "./documents.ts";
import { page } from "./pages.ts";

/** Samples the newest events that meet a filter. */
export async function sample<K extends SampleKind>(
  collections: Collections,
  filter: SampleFilter,
  job: SampleJob<K>,
  limits: ReadLimits,
): Promise<Sampled<K>> {
  const query = { ...filter, order: "desc", limit: sampleSize.events } as const;
  const { maxBytes } = sampleSize;
  const { events, next } = await page(collections, query, { ...limits, maxBytes });
  const found = sampleOf(job);
  for (const event of events) found.add(event);
  return { result: found.finish(), events: events.length, isWhole: next === undefined };
}
