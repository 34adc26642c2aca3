import { workerData } from "node:worker_threads";
import { deltasOf, type DeltasDone } from "../lib/counting/delta.ts";
import { decodeBatch, acceptedAt } from "../lib/event/batch-message.ts";
import { emailProviderReader } from "../lib/event/enrich/email-provider.ts";
import { clientReader } from "../lib/event/enrich/user-agent.ts";
import { addressReader } from "../lib/event/enrich/ip.ts";
import type { DeltasJob, EnrichJob, EnrichSettings, JudgeJob } from "../lib/event/enrich/job.ts";
import type { AcceptedEvent, StoredEvent } from "../lib/event/event.ts";
import type { Judge } from "../lib/event/schemas/judge.ts";
import { heldOf, type HeldEvent, type JudgeDone } from "../lib/event/schemas/held.ts";
import type { SchemasOfProject, Verdict, Violations } from "../lib/event/schemas/schema.ts";
import { enrich } from "../lib/event/enrich/enrich.ts";
import { packCounted } from "../lib/store/rows.ts";
import { type BatchPack } from "../lib/store/store.ts";
import { lowerThreadPriority } from "../lib/concurrency/thread-load.ts";
import { countryReader } from "../lib/country.ts";
import { mendJsonParse } from "../lib/json-keys.ts";

const { fullIp, dimensions, store } = workerData as EnrichSettings;
const packDocuments =
  store === "mongodb"
    ? (await import("../lib/store/mongo/batch-pack.ts")).packDocuments
    : undefined;
const tools = {
  clientOf: clientReader(),
  addressOf: addressReader(),
  providerOf: emailProviderReader(),
  countryOf: countryReader(),
  fullIp,
};

/** Loaded by the first project that has schemas. */
let loadedJudge: Judge | undefined;

mendJsonParse();
lowerThreadPriority();

/**
 * Enriches batches on a worker thread, and judges them by their project's schemas. Of several
 * batches one that fails fails all. Between jobs it keeps only caches.
 * @throws Error where the body is no batch message (`decodeBatch`), or that names the position of
 *   an invalid event
 */
export default function run(jobs: readonly EnrichJob[]): Promise<readonly BatchPack[]>;
export default function run(job: EnrichJob): BatchPack | Promise<BatchPack>;
export default function run(job: DeltasJob): DeltasDone;
export default function run(job: JudgeJob): Promise<JudgeDone>;
export default function run(
  job: EnrichJob | readonly EnrichJob[] | DeltasJob | JudgeJob,
): BatchPack | DeltasDone | Promise<readonly BatchPack[] | BatchPack | JudgeDone> {
  if (isList(job)) return Promise.all(job.map(async (each) => run(each)));
  if (!("kind" in job)) return job.schemas === undefined ? enrichBatch(job) : judgeBatch(job);
  if (job.kind === "judge") return judgeOne(job);
  return { deltas: deltasOf(job.batch, job.project, job.events, dimensions) };
}

function isList(job: object): job is readonly EnrichJob[] {
  return Array.isArray(job);
}

type Judging = (event: StoredEvent) => Verdict | undefined;

async function judgeOf(schemas: SchemasOfProject | undefined): Promise<Judging> {
  if (schemas === undefined) return () => undefined;
  const { Judge } = await import("../lib/event/schemas/judge.ts");
  const judge = (loadedJudge ??= new Judge());
  return (event) => judge.judge(schemas, event);
}

async function judgeBatch(job: EnrichJob): Promise<BatchPack> {
  return enrichBatch(job, await judgeOf(job.schemas));
}

function enrichBatch({ body, only }: EnrichJob, judge?: Judging): BatchPack {
  const message = decodeBatch(body);
  const { batch, project, released } = message;
  const indexes = only?.filter((index) => index < message.events.length);
  const sorted = new Sorted();
  for (const index of indexes ?? message.events.keys()) {
    const accepted = acceptedAt(message, index);
    const event = enrich(accepted, message, tools);
    sorted.add(event, accepted, released === true ? undefined : judge?.(event));
  }
  const { events, broken, violations } = sorted;
  const done = { batch, project, events, broken };
  const pack =
    packDocuments === undefined
      ? packCounted(done, dimensions)
      : packDocuments({ ...done, deltas: deltasOf(batch, project, events, dimensions) });
  return violations.length === 0 ? pack : { ...pack, violations };
}

async function judgeOne(job: JudgeJob): Promise<JudgeDone> {
  const { batch, project, event: accepted, schemas } = job;
  const event = enrich(accepted, { batch, project }, tools);
  const { mode, version, findings } = (await judgeOf(schemas))(event) ?? keeps;
  return { held: heldOf(event, accepted, { version, findings }), mode };
}

const keeps: Verdict = { mode: "observe", version: 0, findings: [] };

/** The events of a batch, sorted by the verdicts of their schemas. */
class Sorted {
  readonly events: StoredEvent[] = [];
  readonly broken: HeldEvent[] = [];
  readonly #violations = new Map<string, Violations>();

  add(event: StoredEvent, accepted: AcceptedEvent, verdict: Verdict | undefined): void {
    if (verdict !== undefined) {
      const { mode, version } = verdict;
      const key = `${version} ${event.type}`;
      const events = (this.#violations.get(key)?.events ?? 0) + 1;
      this.#violations.set(key, { type: event.type, mode, version, events });
    }
    if (verdict?.mode === "enforce") this.broken.push(heldOf(event, accepted, verdict));
    else this.events.push(event);
  }

  get violations(): readonly Violations[] {
    return [...this.#violations.values()];
  }
}
