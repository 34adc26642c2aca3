import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { jest } from "@jest/globals";
import type { ColumnKey } from "../../../../lib/store/columns/segment.ts";
import { WaitingColumns } from "../../../../lib/store/columns/waiting-columns.ts";

beforeEach(() => jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "setImmediate"] }));
afterEach(() => jest.useRealTimers());

const keyOf = (id: string, version = "1", column = "type"): ColumnKey => ({ id, version, column });
const bytesOf = (length: number) => new Uint8Array(length);

/** A disk in memory whose writes take some turns of the event loop. */
class FakeDisk {
  readonly files = new Map<string, Uint8Array>();
  turns = 1;
  writing = 0;
  mostWriting = 0;

  async write(key: ColumnKey, bytes: Uint8Array): Promise<void> {
    this.writing += 1;
    this.mostWriting = Math.max(this.mostWriting, this.writing);
    for (let n = 0; n < this.turns; n++) await turn();
    this.files.set(JSON.stringify(key), bytes);
    this.writing -= 1;
  }

  async removeOthers(id: string, but?: string): Promise<void> {
    await turn();
    for (const name of [...this.files.keys()]) {
      const key = JSON.parse(name) as ColumnKey;
      if (key.id === id && key.version !== but) this.files.delete(name);
    }
  }

  get(key: ColumnKey): Uint8Array | undefined {
    return this.files.get(JSON.stringify(key));
  }
}

/** Lets so much time pass, and what begins in it be done. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  for (let n = 0; n < 50; n++) await turn();
}

test("nothing is written while columns are asked for, and all soon after", async () => {
  const disk = new FakeDisk();
  const waiting = new WaitingColumns(disk, 1_000);
  const [one, other] = [bytesOf(1), bytesOf(2)];
  waiting.put(keyOf("a"), one);
  await pass(750);
  expect(waiting.get(keyOf("b"))).toBeUndefined();
  await pass(750);
  waiting.put(keyOf("b"), other);
  await pass(750);
  expect([waiting.get(keyOf("a")), waiting.get(keyOf("b"))]).toEqual([one, other]);
  expect([...waiting.segments]).toEqual(["a", "b"]);
  expect(disk.files.size).toBe(0);
  await pass(2_000);
  expect([disk.get(keyOf("a")), disk.get(keyOf("b"))]).toEqual([one, other]);
  expect(waiting.get(keyOf("a"))).toBeUndefined();
  expect([...waiting.segments]).toEqual([]);
});

test("of many bytes so many are written whatever is asked that few wait", async () => {
  const disk = new FakeDisk();
  const waiting = new WaitingColumns(disk, 100);
  for (let n = 0; n < 100; n++) waiting.put(keyOf(`${n}`), bytesOf(1));
  await pass(0);
  expect(disk.files.size).toBe(0);
  for (let n = 100; n < 120; n++) waiting.put(keyOf(`${n}`), bytesOf(2));
  await pass(0);
  expect(disk.files.size).toBeGreaterThanOrEqual(40);
  expect(disk.files.size).toBeLessThan(120);
  expect(disk.mostWriting).toBeLessThan(40);
});

test("more bytes than may wait are not kept, nor is what was kept under their key", async () => {
  const disk = new FakeDisk();
  const waiting = new WaitingColumns(disk, Infinity);
  waiting.put(keyOf("a"), bytesOf(3));
  waiting.put(keyOf("a"), bytesOf(33_554_433));
  expect(waiting.get(keyOf("a"))).toBeUndefined();
  await waiting.close();
  expect(disk.files.size).toBe(0);
});

test("a drop waits for what is being written of its segment, and for nothing else", async () => {
  const disk = new FakeDisk();
  disk.turns = 10;
  const waiting = new WaitingColumns(disk, 0);
  const [first] = [keyOf("a"), keyOf("b")].map((key) => (waiting.put(key, bytesOf(1)), key));
  waiting.put(keyOf("a", "2"), bytesOf(1));
  await turn();
  expect(disk.writing).toBeGreaterThan(0);
  await waiting.drop("c");
  await waiting.drop("a", "1");
  expect(disk.get(first!)).toBeUndefined();
  await waiting.drop("a", "2");
  expect(disk.get(first!)).toBeDefined();
  await waiting.close();
});

const segment = { id: fc.constantFrom("a", "b"), version: fc.constantFrom("1", "2") };
const columns = ["type", "(user)"];
const happening = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      puts: fc.record({ ...segment, column: fc.constantFrom(...columns) }),
      turns: fc.nat({ max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ replaces: fc.record(segment) }) },
  { weight: 1, arbitrary: fc.record({ drops: fc.record(segment), all: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ passes: fc.nat({ max: 1_500 }), turns: fc.nat({ max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ closes: true as const }) },
);

type Happening = typeof happening extends fc.Arbitrary<infer Each> ? Each : never;

/** What a disk, and what waits to be written to it, must have together. */
class Reference {
  readonly disk = new FakeDisk();
  readonly waiting: WaitingColumns;
  /** What must be found under keys; `undefined`: nothing. Under the other keys anything may be. */
  readonly #expected = new Map<string, Uint8Array | undefined>();
  /** The segments whose other versions may be on the disk for a while. */
  readonly #replaced = new Map<string, string>();

  constructor(patientBytes: number) {
    this.waiting = new WaitingColumns(this.disk, patientBytes);
  }

  async happen(what: Happening): Promise<void> {
    if ("puts" in what) this.#put(what.puts, what.turns);
    else if ("replaces" in what) this.#replace(what.replaces);
    else if ("drops" in what) await this.#drop(what.drops.id, what.all ? undefined : what.drops);
    else if ("closes" in what) await this.close();
    else {
      jest.advanceTimersByTime(what.passes);
      for (let n = 0; n < what.turns; n++) await turn();
    }
  }

  async close(): Promise<void> {
    await this.waiting.close();
    this.#replaced.clear();
    expect([...this.waiting.segments]).toEqual([]);
  }

  expectFound(): void {
    for (const [name, bytes] of this.#expected) {
      const one = JSON.parse(name) as ColumnKey;
      const found = this.waiting.get(one) ?? this.disk.get(one);
      if (bytes !== undefined || !this.#replaced.has(one.id)) expect(found).toBe(bytes);
    }
  }

  #put(one: ColumnKey, turns: number): void {
    this.disk.turns = turns;
    const bytes = bytesOf(1);
    this.waiting.put(one, bytes);
    const kept = this.#replaced.get(one.id) ?? one.version;
    if (kept === one.version) this.#expected.set(JSON.stringify(one), bytes);
    else this.#expected.delete(JSON.stringify(one));
  }

  #replace({ id, version }: Pick<ColumnKey, "id" | "version">): void {
    this.waiting.replace(id, version);
    this.#forget(id, version);
    this.#replaced.set(id, version);
  }

  async #drop(id: string, but?: Pick<ColumnKey, "version">): Promise<void> {
    await this.waiting.drop(id, but?.version);
    await this.disk.removeOthers(id, but?.version);
    this.#forget(id, but?.version);
    this.#replaced.delete(id);
  }

  #forget(id: string, but: string | undefined): void {
    for (const version of ["1", "2"]) {
      for (const name of columns.map((column) => JSON.stringify(keyOf(id, version, column)))) {
        if (version !== but) this.#expected.set(name, undefined);
        // What an earlier call was to remove may be there still, and stays.
        else if (this.#expected.get(name) === undefined) this.#expected.delete(name);
      }
    }
  }
}

test("what was put is found until it is dropped, and never after that (any order)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { maxLength: 40 }),
      fc.constantFrom(0, 2, 1_000),
      async (all, patientBytes) => {
        const reference = new Reference(patientBytes);
        for (const what of all) {
          await reference.happen(what);
          reference.expectFound();
        }
        await reference.close();
        reference.expectFound();
      },
    ),
    { numRuns: 300 },
  );
});
