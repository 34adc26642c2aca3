import { userOf } from "../../../../lib/event/event.ts";
import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { append } from "../../../../lib/store/sqlite/append.ts";
import { nextColumns, putColumns } from "../../../../lib/store/sqlite/columns/table.ts";
import { Database } from "../../../../lib/store/sqlite/database.ts";
import {
  forgetColumns,
  placesOf,
  ownerHash,
  owners,
  partNames,
  PlacesBuilder,
  placesInPart,
} from "../../../../lib/store/sqlite/places.ts";
import { chunkSize } from "../../../../lib/store/sqlite/schema.ts";
import { toRow } from "../../../../lib/store/rows.ts";
import { event, minute } from "../../../contract/store-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "store-places-"));
const db = new Database({ file: join(folder, "store.sqlite"), create: true, role: "writer" });

/** A full chunk, and some events of the next one. */
const events = Array.from({ length: chunkSize + 300 }, (_, n) =>
  event(`e${n}`, {
    timestamp: minute + n,
    ...(n % 3 > 0 && { metadata: { userId: `u${n % 7_000}` } }),
    ...(n % 5 > 0 && { correlationId: `c${n % 40}` }),
  }),
);

beforeAll(() => {
  const rows = events.map((one) => toRow(one, "b"));
  for (let at = 0; at < rows.length; at += 1_000) {
    db.transaction(() => append(db, "b", rows.slice(at, at + 1_000), [], []));
  }
});

afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const asked = ["u1", "u6999", "nobody", "c1", "c39", "u301", "c301"];

/** Whether those of both chunks are found, and nothing else but what has the same hash. */
function expectAllFound(): void {
  for (const text of asked) {
    for (const owner of owners) {
      const found = db.transaction(() =>
        [0, 1].flatMap((chunk) => [...new Set(placesOf(db, "p", chunk, owner, text))]),
      );
      const of = (n: number) => (owner === "user" ? userOf(events[n]!) : events[n]!.correlationId);
      const expected = [...events.keys()].filter((n) => of(n) === text).map((n) => n + 1);
      const others = found.filter((seq) => ownerHash(of(seq - 1) ?? "") !== ownerHash(text));
      expect(found.toSorted((a, b) => a - b)).toEqual(expect.arrayContaining(expected));
      expect(others).toEqual([]);
    }
  }
}

/** A part as files have it: a sum, the hashes, the places. */
function encoded(hashes: Uint32Array, places: Uint16Array): Uint8Array {
  const bytes = Buffer.concat([new Uint8Array(hashes.buffer), new Uint8Array(places.buffer)]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return Buffer.concat([sum, bytes]);
}

/** Gives chunk 0 the parts of earlier versions, which had half as many. */
function writeEarlierParts(): void {
  db.transaction(() => {
    for (const owner of owners) {
      for (let part = 0; part < 128; part++) {
        const both = [2 * part, 2 * part + 1].map((n) => {
          const name = `(by ${owner}) ${n}/256`;
          const found = db.get("SELECT bytes FROM columns WHERE chunk = 0 AND name = ?", name)!;
          db.run("DELETE FROM columns WHERE chunk = 0 AND name = ?", name);
          const { buffer } = new Uint8Array((found[0] as Uint8Array).subarray(4));
          const length = buffer.byteLength / 6;
          return [
            new Uint32Array(buffer, 0, length),
            new Uint16Array(buffer, 4 * length, length),
          ] as const;
        });
        const hashes = Uint32Array.from(both.flatMap(([of]) => [...of]));
        const places = Uint16Array.from(both.flatMap(([, of]) => [...of]));
        const name = `(by ${owner}) ${part}`;
        db.run("INSERT INTO columns VALUES (0, ?, ?)", name, encoded(hashes, places));
      }
    }
  });
}

const count = (sql: string) => db.transaction(() => db.get(sql)![0]);

test("somebody's events are found by what commits noted, by their chunk's columns, and without either", () => {
  expect(count("SELECT count(*) FROM places")).toBeGreaterThan(1);
  expectAllFound();

  db.transaction(() => putColumns(db, nextColumns(db)!));
  expect(count(`SELECT count(*) FROM places WHERE seq < ${chunkSize}`)).toBe(0);
  expect(db.transaction(() => nextColumns(db))).toBeUndefined();
  expectAllFound();

  writeEarlierParts();
  expect(db.transaction(() => nextColumns(db))).toBeUndefined();
  expectAllFound();
  const [part, earlier] = partNames("correlation", ownerHash("c1"));
  const holds = db.transaction(() => db.get("SELECT bytes FROM columns WHERE name = ?", earlier))!;
  const nothing = encoded(new Uint32Array(0), new Uint16Array(0));
  const replace = "UPDATE columns SET bytes = ? WHERE chunk = 0 AND name = ?";
  db.transaction(() => db.run(replace, nothing, earlier));
  expect(db.transaction(() => placesOf(db, "p", 0, "correlation", "c1"))).toEqual([]);
  db.transaction(() => db.run(replace, holds[0]!, earlier));
  db.transaction(() => forgetColumns(db, 0));
  db.transaction(() => putColumns(db, nextColumns(db)!));

  db.transaction(() =>
    db.run("UPDATE columns SET bytes = zeroblob(length(bytes)) WHERE chunk = 0 AND name = ?", part),
  );
  expectAllFound();

  // The places of chunk 1 that were noted before are not told any more.
  db.transaction(() => [0, 1].forEach((chunk) => forgetColumns(db, chunk)));
  expect(count("SELECT count(*) FROM places")).toBe(0);
  expectAllFound();

  const late = event("late", { metadata: { userId: "nobody" } });
  events.push(late);
  db.transaction(() => append(db, "b", [toRow(late, "b")], [], []));
  expectAllFound();
  db.transaction(() => db.run("UPDATE places SET hashes = zeroblob(12)"));
  expectAllFound();
});

test("parts tell of each hash the places under it, and no others", () => {
  const hashes = fc.oneof(fc.constantFrom(1, 2, 0xffffffff, 0x02000000), fc.nat(0xffffffff));
  fc.assert(
    fc.property(fc.array(fc.tuple(hashes, hashes), { maxLength: 60 }), (all) => {
      const builder = new PlacesBuilder();
      all.forEach((pair, place) => builder.add(place, pair));
      const parts = new Map(builder.finish());
      for (const [i, owner] of owners.entries()) {
        for (const hash of new Set([7, ...all.map((pair) => pair[i]!)])) {
          if (hash === 0) continue;
          const expected = [...all.keys()].filter((place) => all[place]![i] === hash);
          expect(placesInPart(parts.get(partNames(owner, hash)[0])!, hash)).toEqual(expected);
        }
      }
    }),
  );
});

test("hashes stay what they are: files rest on them", () => {
  expect(["", "u1", "someone@example.com", "\ud800"].map(ownerHash)).toEqual([
    2872998923, 612938007, 884284206, 1463727854,
  ]);
});
