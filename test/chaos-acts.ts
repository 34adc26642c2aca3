import { randomUUIDv7 } from "node:crypto";
import { admit } from "../lib/event/admit.ts";
import { encodeBatch } from "../lib/event/batch-message.ts";
import { defaultProject } from "../lib/event/event.ts";
import type { Disturbance } from "./chaos-disturbances.ts";
import type { Load } from "./chaos-load.ts";
import { eventually } from "./support/eventually.ts";
import type { ShopEvent } from "./support/shop-log.ts";

const broken = "chaos.broken";
const schema = {
  mode: "enforce",
  schema: {
    properties: { data: { properties: { amount: { type: "number" } }, required: ["amount"] } },
  },
};

/** How long replays may take once nothing is broken any more, and how long no job may get on. */
const settledWithinMs = 300_000;

const first = Date.UTC(2024, 0, 2);
const spanMs = Date.UTC(2024, 5, 28) - first;
const dayMs = 86_400_000;

/**
 * What administrators do while things are broken: they erase, have days rebuilt and audited, set a
 * retention, mend and replay what is in quarantine, and replay dead letters. Each act sends events
 * of its own; `kept` are those that must be counted in the end.
 */
export class Acts {
  readonly kept: ShopEvent[] = [];
  readonly #load: Load;
  readonly #random: () => number;
  readonly #putDead: (body: Uint8Array) => Promise<void>;
  readonly #jobs: string[] = [];
  #acts = 0;

  /** @param putDead puts a batch into the dead letters, past the service; it may throw */
  constructor(load: Load, random: () => number, putDead: (body: Uint8Array) => Promise<void>) {
    this.#load = load;
    this.#random = random;
    this.#putDead = putDead;
  }

  get disturbances(): readonly Disturbance[] {
    return [
      ["a person erased", () => this.#erasePerson()],
      ["an event erased", () => this.#eraseEvent()],
      ["a day's rollups rebuilt", () => this.#begin("/api/v1/rollups/rebuild", this.#day())],
      ["a day audited", () => this.#begin("/api/v1/audits", this.#day())],
      ["a retention set", () => this.#setRetention()],
      ["quarantine replayed", () => this.#breakAndReplay()],
      ["dead letters replayed", () => this.#dieAndReplay()],
    ];
  }

  /** Before anything is broken. */
  async begin(): Promise<void> {
    await this.#load.ask(`/api/v1/schemas/${broken}`, request("PUT", schema));
  }

  /** Once nothing is broken any more: resolves when all that was begun is done. */
  async settle(): Promise<void> {
    await eventually(async () => {
      const left = await this.#replay();
      if (left > 0) throw new Error(`${left} events are left in quarantine`);
    }, settledWithinMs);
    await eventually(async () => {
      const left = await this.#replayDead();
      if (left > 0) throw new Error(`${left} dead letters are left`);
    }, settledWithinMs);
    await this.#finish();
  }

  /** Jobs are carried out one after the other, so they take as long as any of them gets on. */
  async #finish(): Promise<void> {
    let open: readonly string[] = this.#jobs;
    for (let before = ""; open.length > 0;) {
      open = await eventually(async () => {
        const answers = await Promise.all(open.map((job) => this.#load.ask(`/api/v1/jobs/${job}`)));
        const jobs = answers.map(({ isSuccess, text }) => (isSuccess ? text : ""));
        const left = open.filter((_, at) => !isFinished(jobs[at]!));
        const told = jobs.join("\n");
        if (left.length > 0 && told === before) throw new Error(`no job gets on: ${told}`);
        before = told;
        return left;
      }, settledWithinMs);
    }
  }

  /** Some of somebody else's events are in the same batch and minutes. */
  async #erasePerson(): Promise<void> {
    const gone = this.#events("chaos.gone", `gone-${this.#acts}`);
    const kept = gone.map((event) => ({
      ...event,
      id: `kept-${event.id}`,
      type: "chaos.kept",
      metadata: { ...event.metadata, userId: "chaos-kept" },
    }));
    this.kept.push(...kept);
    await this.#load.send([...gone, ...kept]);
    await this.#begin(`/api/v1/subjects/${gone[0]!.metadata.userId}`, undefined, "DELETE");
  }

  async #eraseEvent(): Promise<void> {
    const events = this.#events("chaos.one", "chaos-one");
    const [gone, ...kept] = events;
    this.kept.push(...kept);
    await this.#load.send(events);
    await this.#begin(`/api/v1/events/${gone!.id}`, undefined, "DELETE");
  }

  /** So long a one that it drops nothing of the log: floors are announced and sealed all the same. */
  async #setRetention(): Promise<void> {
    const days = `${10_000 + this.#acts}d`;
    this.#acts += 1;
    const body = { events: days, minutes: days, hours: days, days };
    await this.#load.untilDone("/api/v1/retention", request("PUT", body));
  }

  async #breakAndReplay(): Promise<void> {
    const events = this.#events(broken, "chaos-broken");
    this.kept.push(...events);
    await this.#load.send(events);
    await this.#replay();
  }

  /** Mend what is in quarantine, and let it out by two requests at once. @returns how many there were */
  async #replay(): Promise<number> {
    const { text } = await this.#load.untilDone(`/api/v1/quarantine?type=${broken}`);
    const { data } = JSON.parse(text) as { readonly data: readonly { readonly id: string }[] };
    for (const { id } of data) {
      const patch = request("PATCH", { data: { amount: 10 } }, "application/merge-patch+json");
      // Others may have let it out, or be about to.
      await this.#load.untilDone(`/api/v1/quarantine/${id}`, patch, [404, 409]);
    }
    if (data.length === 0) return 0;
    const replay = () =>
      this.#load.untilDone(`/api/v1/quarantine/replay?type=${broken}`, request("POST"));
    await Promise.all([replay(), replay()]);
    return data.length;
  }

  /** A batch that failed for good; perhaps twice, where it is not known whether it was put. */
  async #dieAndReplay(): Promise<void> {
    const events = this.#events("chaos.dead", "chaos-dead");
    this.kept.push(...events);
    this.#load.expect(events.length);
    const { accepted } = admit(events, { now: Date.now(), newId: () => randomUUIDv7() });
    const pieces = accepted.map(({ event }) => Buffer.from(JSON.stringify(event)));
    const body = encodeBatch(randomUUIDv7(), defaultProject, pieces);
    await eventually(() => this.#putDead(body), settledWithinMs);
    await this.#replayDead();
  }

  /** Replays each dead letter by two requests at once. @returns how many there were */
  async #replayDead(): Promise<number> {
    const { text } = await this.#load.untilDone("/api/v1/dead-letters");
    const { data } = JSON.parse(text) as { readonly data: readonly { readonly id: string }[] };
    for (const { id } of data) {
      const path = `/api/v1/dead-letters/${id}/replay`;
      // The other one may have replayed it, or hold all of them while it looks.
      const replay = () => this.#load.untilDone(path, request("POST"), [404]);
      await Promise.all([replay(), replay()]);
    }
    return data.length;
  }

  /** Has a job begun. Asked again where no answer told of it: then there are two, which does no harm. */
  async #begin(path: string, body?: object, method = "POST"): Promise<void> {
    const { text } = await this.#load.untilDone(path, request(method, body));
    this.#jobs.push((JSON.parse(text) as { readonly id: string }).id);
  }

  #day(): object {
    const from = first + Math.floor((this.#random() * spanMs) / dayMs) * dayMs;
    const [begin, end] = [from, from + dayMs].map((instant) => new Date(instant).toISOString());
    return { from: begin, to: end };
  }

  #events(type: string, userId: string): readonly ShopEvent[] {
    const act = this.#acts++;
    return Array.from({ length: 5 }, (_, i) => ({
      id: `act-${act}-${i}`,
      type,
      timestamp: new Date(first + Math.floor(this.#random() * spanMs)).toISOString(),
      source: "chaos",
      correlationId: `act-${act}`,
      data: { amount: "ten" },
      metadata: { userId, sessionId: `act-${act}` },
    }));
  }
}

/** @param job as it is told; empty where it is not known */
function isFinished(job: string): boolean {
  if (job === "") return false;
  return typeof (JSON.parse(job) as { finishedAt?: unknown }).finishedAt === "string";
}

function request(method: string, body?: object, type = "application/json"): RequestInit {
  return {
    method,
    ...(body !== undefined && {
      headers: { "Content-Type": type },
      body: JSON.stringify(body),
    }),
  };
}
