import { workerData } from "node:worker_threads";
import { deltasOf, type DeltasDone } from "../lib/counting/delta.ts";
import { decodeBatch } from "../lib/event/batch-message.ts";
import { acceptedAt } from "../lib/event/enrich/accepted.ts";
import { clientReader } from "../lib/event/enrich/client.ts";
import { addressReader } from "../lib/event/enrich/ip.ts";
import type { DeltasJob, EnrichJob, EnrichSettings } from "../lib/event/enrich/job.ts";
import { enrich } from "../lib/event/enrich/enrich.ts";
import { pack } from "../lib/store/batch-pack.ts";
import { type BatchPack } from "../lib/store/store.ts";
import { lowerThreadPriority } from "../lib/concurrency/thread-priority.ts";
import { countryReader } from "../lib/country.ts";

const { fullIp, dimensions, store } = workerData as EnrichSettings;
const packed =
  store === "mongodb" ? (await import("../lib/store/mongo/batch-pack.ts")).packDocuments : pack;
const tools = {
  clientOf: clientReader(),
  addressOf: addressReader(),
  countryOf: countryReader(),
  fullIp,
};

lowerThreadPriority();

/**
 * Enriches batches on a worker thread. Keeps caches between jobs, nothing else.
 * @throws Error where the body is no batch message (`decodeBatch`), or that names the position of
 * the event that is none
 */
export default function run(job: EnrichJob): BatchPack;
export default function run(job: DeltasJob): DeltasDone;
export default function run(job: EnrichJob | DeltasJob): BatchPack | DeltasDone {
  if ("kind" in job) {
    return { deltas: deltasOf(job.batch, job.project, job.events, dimensions) };
  }
  const message = decodeBatch(job.body);
  const { batch, project } = message;
  const indexes = job.only?.filter((index) => index < message.events.length);
  const events = (indexes ?? [...message.events.keys()]).map((index) =>
    enrich(acceptedAt(message, index), message, tools),
  );
  return packed({ batch, project, events, deltas: deltasOf(batch, project, events, dimensions) });
}
