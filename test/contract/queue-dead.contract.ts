import { eventually } from "../support/eventually.ts";
import { Inbox, message, retry, textOf } from "./queue-harness.ts";
import { listBytes, type DeadLetter } from "../../lib/queue/queue.ts";
import type { OnQueue } from "./queue.contract.ts";

/** Messages that failed for good. */
export function deadLettersContract(onQueue: OnQueue): void {
  describe("dead letters", () => {
    test(
      "are listed oldest first, up to a limit, and found by id",
      onQueue(async (queue) => {
        for (const text of ["a", "b", "c"]) await queue.dead.put(message(text, 7), `not ${text}`);
        const letters = await queue.dead.list(10);
        expect(letters.map(textOf)).toEqual(["a", "b", "c"]);
        expect(letters.map(({ reason }) => reason)).toEqual(["not a", "not b", "not c"]);
        expect((await queue.dead.list(2)).map(textOf)).toEqual(["a", "b"]);
        for (const letter of letters) {
          expect(letter.receivedAt).toBe(7);
          expect(await queue.dead.find(letter.id)).toEqual(letter);
        }
        expect(new Set(letters.map(({ id }) => id)).size).toBe(3);
        expect(await queue.depth()).toMatchObject({ messages: 0, dead: 3 });
      }),
    );

    test(
      "are all gone through, in lists of some megabytes, each once",
      onQueue(async (queue) => {
        const large = "x".repeat(listBytes / 2 - 1_000);
        for (const name of ["a", "b", "c", "d", "e"]) {
          await queue.dead.put(message(name + large), "too large");
        }
        expect(await queue.dead.list(10)).toHaveLength(2);
        const names: string[] = [];
        await queue.dead.each((letter) => {
          names.push(textOf(letter).charAt(0));
          return true;
        });
        expect(names).toEqual(["a", "b", "c", "d", "e"]);
      }),
    );

    test(
      "of which one is larger than a list are gone through as well",
      onQueue(async (queue) => {
        for (const size of [1, listBytes + 1, 1]) {
          await queue.dead.put(message("y".repeat(size)), "no good");
        }
        const sizes: number[] = [];
        await queue.dead.each(({ body }) => {
          sizes.push(body.byteLength);
          return true;
        });
        expect(sizes.toSorted((a, b) => a - b)).toEqual([1, 1, listBytes + 1]);
      }),
    );

    test(
      "are shown to each who asks at the same time, until one fails or its caller leaves",
      onQueue(async (queue) => {
        for (const text of ["a", "b", "c"]) await queue.dead.put(message(text), "no good");
        const leaving = new AbortController();
        const seen = { stays: "", fails: "", leaves: "" };
        const visit = (who: keyof typeof seen, at?: () => void) => (letter: DeadLetter) => {
          seen[who] += textOf(letter);
          if (textOf(letter) === "b") at?.();
          return true;
        };
        const failure = new Error("it fails");
        const fails = visit("fails", () => {
          throw failure;
        });
        const leaves = visit("leaves", () => leaving.abort(failure));
        const outcomes = await Promise.allSettled([
          queue.dead.each(fails),
          queue.dead.each(leaves, leaving.signal),
          queue.dead.each(async (letter) => Promise.resolve(visit("stays")(letter))),
          queue.dead.each(visit("leaves"), AbortSignal.abort(failure)),
        ]);
        const rejected = { status: "rejected", reason: failure };
        expect(outcomes).toEqual([rejected, rejected, { status: "fulfilled" }, rejected]);
        expect(seen).toEqual({ stays: "abc", fails: "ab", leaves: "ab" });
        expect(await queue.dead.list(10)).toHaveLength(3);
        expect((await queue.depth()).dead).toBe(3);
      }),
    );

    test.each(["", "0", "1", "-1", "1e3", "1.5", "__proto__", "constructor", "9".repeat(40)])(
      "that are not there are not found: %j",
      (id) =>
        onQueue(async (queue) => {
          expect(await queue.dead.find(id)).toBeUndefined();
          expect(await queue.dead.replay(id)).toBe(false);
          expect(await queue.dead.remove(id)).toBe(false);
        })(),
    );

    test(
      "survive a crash",
      onQueue(async (queue, harness) => {
        await queue.dead.put(message("kept"), "no good");
        await harness.crash(queue);
        const [letter] = await (await harness.open()).dead.list(10);
        expect(textOf(letter!)).toBe("kept");
        expect(letter!.reason).toBe("no good");
      }),
    );

    test(
      "come back as a first attempt when replayed, and are gone from there",
      onQueue(
        async (queue) => {
          let mended = false;
          const inbox = new Inbox(() => (mended ? { status: "done" } : retry));
          await queue.consume(inbox.handle, { prefetch: 1 });
          await queue.publish(message("replayed", 99));
          const [letter] = await eventually(async () => {
            const letters = await queue.dead.list(1);
            expect(letters).toHaveLength(1);
            return letters;
          });
          mended = true;
          const { length } = inbox.deliveries;
          expect(await queue.dead.replay(letter!.id)).toBe(true);
          const deliveries = await inbox.arrived(length + 1);
          expect(textOf(deliveries[length]!)).toBe("replayed");
          expect(deliveries[length]).toMatchObject({ attempt: 1, receivedAt: 99 });
          await eventually(async () =>
            expect(await queue.depth()).toMatchObject({ messages: 0, dead: 0 }),
          );
          expect(await queue.dead.find(letter!.id)).toBeUndefined();
          expect(await queue.dead.replay(letter!.id)).toBe(false);
        },
        { retryDelaysMs: [20] },
      ),
    );

    test(
      "get another message and keep the rest, in their place",
      onQueue(async (queue, harness) => {
        for (const text of ["a", "b", "c"]) {
          await queue.dead.put(message(text, 7), `not ${text}`);
          const diedBy = Date.now();
          // Of those of one millisecond one that gets another message may become the last.
          await eventually(() => expect(Date.now()).toBeGreaterThan(diedBy));
        }
        const before = await queue.dead.list(10);
        const { id } = before[1]!;
        const [b, c] = [message("b").body, message("c").body];
        expect(await queue.dead.replace(id, message("B").body, b)).toBe(true);
        expect(await queue.dead.replace("999", message("x").body, b)).toBe(false);
        // It has another message by now.
        expect(await queue.dead.replace(id, c, b)).toBe(false);
        await harness.crash(queue);
        const after = await (await harness.open()).dead.list(10);
        expect(after.map(textOf)).toEqual(["a", "B", "c"]);
        const rest = (letter: DeadLetter) => ({ ...letter, body: null });
        expect(after.map(rest)).toEqual(before.map(rest));
      }),
    );

    test(
      "that are put once are one letter, however often that is repeated",
      onQueue(async (queue, harness) => {
        await queue.dead.put(message("a"), "no good");
        for (let i = 0; i < 2; i++) {
          await queue.dead.put(message("b"), "no good", "once");
          await queue.dead.put(message("c"), "no good", "once");
        }
        expect((await queue.dead.list(10)).map(textOf)).toEqual(["a", "b", "c"]);
        await harness.crash(queue);
        const { dead } = await harness.open();
        await dead.put(message("b"), "no good", "once");
        const letters = await dead.list(10);
        expect(letters.map(textOf)).toEqual(["a", "b", "c"]);
        expect(await dead.remove(letters[1]!.id)).toBe(true);
        expect((await dead.list(10)).map(textOf)).toEqual(["a", "c"]);
      }),
    );

    test(
      "are gone when removed, the others stay",
      onQueue(async (queue) => {
        for (const text of ["a", "b", "c"]) await queue.dead.put(message(text), "no good");
        const [, second] = await queue.dead.list(10);
        expect(await queue.dead.remove(second!.id)).toBe(true);
        expect(await queue.dead.remove(second!.id)).toBe(false);
        expect((await queue.dead.list(10)).map(textOf)).toEqual(["a", "c"]);
        expect((await queue.depth()).dead).toBe(2);
      }),
    );
  });
}
