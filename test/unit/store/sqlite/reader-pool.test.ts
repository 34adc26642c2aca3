import { jest } from "@jest/globals";
import { ReaderPool, type Weight } from "../../../../lib/store/sqlite/reader-pool.ts";

/** A thread whose calls a test answers by hand. */
class FakeThread {
  readonly calls: { readonly name: string; readonly answer: () => void }[] = [];
  readonly givesWay: boolean;
  pending = 0;
  closed = false;
  /** For how long it has been busy, where it is. */
  busyForMs = 1_000;

  constructor(givesWay: boolean) {
    this.givesWay = givesWay;
  }

  callFor(_signal: AbortSignal | undefined, verb: string, name: string): Promise<string> {
    expect(verb).toBe("event");
    this.pending += 1;
    const { promise, resolve } = Promise.withResolvers<string>();
    const answer = () => {
      this.pending -= 1;
      resolve(name);
    };
    this.calls.push({ name, answer });
    return promise;
  }

  get busyMs(): number {
    return this.pending === 0 ? 0 : this.busyForMs;
  }

  answer(name: string): void {
    this.calls.find((call) => call.name === name)!.answer();
  }

  get names(): string[] {
    return this.calls.map(({ name }) => name);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function poolOf(size: number) {
  const threads: FakeThread[] = [];
  const pool = new ReaderPool(size, (givesWay) => {
    const thread = new FakeThread(givesWay);
    threads.push(thread);
    return thread as never;
  });
  const call = (weight: Weight, name: string) =>
    pool.call({ weight }, "event", ...([name, ""] as [string, string])) as Promise<unknown>;
  const names = () => threads.map((thread) => thread.names);
  return { pool, threads, call, names };
}

/** Lets what is resolved run on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("the reading threads", () => {
  test("are started only where all others are busy, up to their number", async () => {
    const { call, threads, names } = poolOf(2);
    const first = call("quick", "a");
    await turn();
    threads[0]!.answer("a");
    await first;
    void call("quick", "b");
    expect(names()).toEqual([["a", "b"]]);
    void call("quick", "c");
    void call("quick", "d");
    void call("quick", "e");
    expect(names()).toEqual([
      ["a", "b", "d"],
      ["c", "e"],
    ]);
  });

  test("are not started for reads that wait shorter than a start takes", async () => {
    const { call, threads, names } = poolOf(3);
    void call("quick", "a");
    threads[0]!.busyForMs = 0;
    void call("quick", "b");
    void call("steady", "c");
    await turn();
    expect(names()).toEqual([["a", "b", "c"]]);
    threads[0]!.busyForMs = 1_000;
    void call("quick", "d");
    expect(names()).toEqual([["a", "b", "c"], ["d"]]);
  });

  test("are started for each heavy read, however short the one before has run", async () => {
    const { call, threads, names } = poolOf(3);
    void call("heavy", "h1");
    await turn();
    threads[0]!.busyForMs = 0;
    void call("heavy", "h2");
    await turn();
    expect(names()).toEqual([["h1"], ["h2"]]);
  });

  test("end when they had nothing to do for a minute, but for the first", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate"] });
    try {
      const { pool, call, threads, names } = poolOf(2);
      void call("quick", "q1");
      void call("heavy", "h1");
      await turn();
      threads[0]!.answer("q1");
      jest.advanceTimersByTime(600_000);
      expect(threads.map(({ closed }) => closed)).toEqual([false, false]);
      threads[1]!.answer("h1");
      await turn();
      jest.advanceTimersByTime(59_999);
      void call("heavy", "h2");
      await turn();
      jest.advanceTimersByTime(1);
      expect(threads[1]!.closed).toBe(false);
      threads[1]!.answer("h2");
      await turn();
      jest.advanceTimersByTime(600_000);
      expect(threads.map(({ closed }) => closed)).toEqual([false, true]);
      void call("heavy", "h3");
      await turn();
      expect(names()).toEqual([["q1"], ["h1", "h2"], ["h3"]]);
      await pool.close();
      expect(threads.map(({ closed }) => closed)).toEqual([true, true, true]);
    } finally {
      jest.useRealTimers();
    }
  });

  test("leave one of them to quick reads", async () => {
    const { call, threads, names } = poolOf(2);
    for (const name of ["h1", "h2", "h3"]) void call("heavy", name);
    await turn();
    for (const name of ["q1", "q2", "q3"]) void call("quick", name);
    await turn();
    expect(names()).toEqual([["h1"], ["q1", "q2", "q3"]]);
    threads[0]!.answer("h1");
    await turn();
    expect(names()).toEqual([
      ["h1", "h2"],
      ["q1", "q2", "q3"],
    ]);
    threads[0]!.answer("h2");
    await turn();
    expect(names()[0]).toEqual(["h1", "h2", "h3"]);
  });

  test("hold back the background, so that quick reads wait for little of it", async () => {
    const { call, threads, names } = poolOf(2);
    for (let i = 1; i <= 50; i += 1) void call("steady", `s${i}`);
    await turn();
    expect(names()).toEqual([["s1"], ["s2"]]);
    void call("quick", "q");
    await turn();
    threads[1]!.answer("s2");
    await turn();
    expect(names()).toEqual([
      ["s1", "q"],
      ["s2", "s3"],
    ]);
    void call("heavy", "h");
    await turn();
    // Beside a heavy read, the background goes on with the other one.
    threads[0]!.answer("s1");
    threads[0]!.answer("q");
    threads[1]!.answer("s3");
    await turn();
    expect(names().flat()).toEqual(expect.arrayContaining(["h", "s4", "s5"]));
    const besideHeavy = names().find((of) => of.includes("h"))!;
    expect(besideHeavy.slice(besideHeavy.indexOf("h") + 1)).toEqual([]);
  });

  test("run heavy reads also where there is one of them", async () => {
    const { call, threads, names } = poolOf(1);
    const reads = [call("heavy", "h1"), call("heavy", "h2")];
    await turn();
    reads.push(call("quick", "q1"));
    expect(names()).toEqual([["h1", "q1"]]);
    threads[0]!.answer("h1");
    await turn();
    threads[0]!.answer("h2");
    threads[0]!.answer("q1");
    expect(await Promise.all(reads)).toEqual(["h1", "h2", "q1"]);
  });

  test("run two heavy reads at a time where there are three of them", async () => {
    const { call, names } = poolOf(3);
    for (const name of ["h1", "h2", "h3"]) void call("heavy", name);
    await turn();
    void call("quick", "q1");
    expect(names()).toEqual([["h1"], ["h2"], ["q1"]]);
  });

  test.each([1, 2, 4])("carry out no heavy read beside work without any, of %s", async (size) => {
    const { pool, call, threads, names } = poolOf(size);
    const heavy = call("heavy", "h1");
    await turn();
    const done: string[] = [];
    const work = (name: string) => async () => {
      done.push(`${name} begins`);
      await turn();
      done.push(`${name} ends`);
    };
    const works = ["w1", "w2"].map((name) => pool.withoutHeavy(work(name)));
    const late = call("heavy", "h2");
    await turn();
    expect(done).toEqual([]);
    void call("quick", "q1");
    expect(names().flat()).toEqual(expect.arrayContaining(["h1", "q1"]));
    const answer = (name: string) =>
      threads.find((thread) => thread.names.includes(name))!.answer(name);
    answer("h1");
    await heavy;
    await works[0];
    expect(done).toEqual(["w1 begins", "w1 ends"]);
    await turn();
    answer("h2");
    await late;
    await works[1];
    expect(done.slice(2)).toEqual(["w2 begins", "w2 ends"]);
  });

  test("give way to the event loop where they take heavy reads", async () => {
    const { call, threads, names } = poolOf(2);
    const quick = call("quick", "q1");
    await turn();
    threads[0]!.answer("q1");
    await quick;
    void call("heavy", "h1");
    await turn();
    expect(names()).toEqual([["q1"], ["h1"]]);
    expect(threads.map(({ givesWay }) => givesWay)).toEqual([false, true]);
  });

  test("are not started any more once they are closed", async () => {
    const { pool, call, threads } = poolOf(2);
    const heavy = [call("heavy", "h1"), call("heavy", "h2")];
    await turn();
    await pool.close();
    const refused = expect(heavy[1]).rejects.toMatchObject({ type: "STORE_UNAVAILABLE" });
    threads[0]!.answer("h1");
    await refused;
    await expect(call("quick", "q")).rejects.toMatchObject({ type: "STORE_UNAVAILABLE" });
    expect(threads.map(({ closed }) => closed)).toEqual([true]);
  });
});
