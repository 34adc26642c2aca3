import type { Position } from "../../../lib/event/event-page.ts";
import type { Erasure } from "../../../lib/questions/erasing.ts";
import { carryOut, newErasure, type ErasureState } from "../../../lib/store/erasure-job.ts";
import type { ErasablePage } from "../../../lib/store/erasing.ts";
import { hiddenOf } from "../../../lib/store/hidden.ts";
import { stateOf } from "../../../lib/store/job-progress.ts";
import type { KeptJob } from "../../../lib/store/jobs.ts";
import type { EventStore } from "../../../lib/store/store.ts";

const minute = Date.UTC(2024, 2, 5, 10, 20);
const at = (n: number): Position => ({ timestamp: minute + n, id: "" });
const erasable = (id: string) => ({ id, batch: "b", timestamp: minute });

/** A store that keeps one job, and finds what a test tells. */
class FakeStore {
  job: KeptJob;
  /** What was asked of the store, and the positions and states that were noted. */
  readonly told: string[] = [];
  readonly #find: (after: Position | undefined) => ErasablePage;
  forget: () => Promise<void> = () => Promise.resolve();

  constructor(erasure: Erasure, find: (after: Position | undefined) => ErasablePage) {
    this.job = newErasure("p", "j", { erasure, reusable: false }, minute);
    this.#find = find;
  }

  get state(): ErasureState {
    return stateOf<ErasureState>(this.job);
  }

  async carryOut(isEnding: () => boolean = () => false): Promise<void> {
    const nothing = () => Promise.resolve();
    const own = {
      fence: nothing,
      recount: nothing,
      erase: (_: string, gone: readonly { id: string }[]) => {
        this.told.push(`erase ${gone.map(({ id }) => id).join()}`);
        return Promise.resolve();
      },
      erasable: ({ after }: { after?: Position }) => {
        this.told.push(
          `search from ${after === undefined ? "the beginning" : after.timestamp - minute}`,
        );
        return Promise.resolve(this.#find(after));
      },
      forgetRemoved: () => {
        this.told.push("forget");
        return this.forget();
      },
      putJob: (job: KeptJob) => {
        this.job = job;
        return Promise.resolve(true);
      },
      sumDeltas: () => Promise.resolve({ v: 0, cells: {} }),
      sumChildren: () => Promise.resolve({ v: 0, cells: {} }),
      writeRollup: nothing,
      markParent: nothing,
    };
    const store = own as unknown as EventStore;
    const worker = { store, owner: "w", now: () => minute, isEnding };
    await carryOut(worker, this.job, { erased: () => undefined });
  }
}

const byFilter: Erasure = { kind: "eraseEvents", filter: { types: ["a"] } };
const ofPerson: Erasure = { kind: "eraseSubject", userId: "ada" };

describe("an erasure", () => {
  test("searches from stretch to stretch, and is done once a whole walk has found nothing", async () => {
    let isErased = false;
    const store = new FakeStore(byFilter, (after) => {
      if (after === undefined) return { events: [], next: at(1) };
      if (after.timestamp > at(1).timestamp) return { events: [] };
      if (isErased) return { events: [], next: at(2) };
      isErased = true;
      return { events: [erasable("a")], next: at(2) };
    });
    await store.carryOut();
    const walk = ["search from the beginning", "search from 1", "search from 2"];
    expect(store.told).toEqual([
      ...[...walk.slice(0, 2), "erase a", ...walk.slice(2)],
      ...walk,
      "forget",
    ]);
    expect(store.state).toMatchObject({ status: "done", erased: 1, slice: [] });
  });

  test("goes on at the position that it reached, though it had found nothing up to there", async () => {
    const store = new FakeStore(byFilter, (after) =>
      after === undefined ? { events: [], next: at(7) } : { events: [] },
    );
    let steps = 0;
    await store.carryOut(() => steps++ > 0);
    expect(store.state.after).toEqual(at(7));
    await store.carryOut();
    expect(store.told).toEqual(["search from the beginning", "search from 7", "forget"]);
    expect(store.state.status).toBe("done");
  });

  test("names nobody any more before the log is emptied, and is done only then", async () => {
    const store = new FakeStore(ofPerson, () => ({ events: [] }));
    store.forget = () => Promise.reject(new Error("somebody reads"));
    await expect(store.carryOut()).rejects.toThrow("somebody reads");
    expect(store.job.state).not.toContain("ada");
    expect(store.job.isOpen).toBe(true);
    const jobs = { openJobsOf: () => Promise.resolve([store.job]) } as unknown as EventStore;
    expect(await hiddenOf(jobs, "p")).toBeUndefined();

    store.forget = () => Promise.resolve();
    await store.carryOut();
    expect(store.told).toEqual(["search from the beginning", "forget", "forget"]);
    expect(store.job.isOpen).toBe(false);
    expect(store.state.status).toBe("done");
  });
});
