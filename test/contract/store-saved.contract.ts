import type { QuestionToSave } from "../../lib/store/saved-questions.ts";
import type { Precondition } from "../../lib/questions/saved.ts";
import type { OnStore } from "./store-harness.ts";

function toSave(name: string, more: Partial<QuestionToSave> = {}): QuestionToSave {
  return {
    name,
    kind: "run",
    description: `about ${name}`,
    version: `v of ${name}`,
    savedAt: 1_000,
    question: '{"metrics":["count"]}',
    ...more,
  };
}

const always = 1_000;

/** `saveQuestion`, `savedQuestion`, `savedQuestions` and `removeQuestion`. */
export function savedContract(onStore: OnStore): void {
  describe("saved questions", () => {
    test(
      "come back as they were saved, for their project alone, and are replaced by name",
      onStore(async (store) => {
        const odd = {
          description: "\ud800 é😀",
          question: '{"a":"\\u0000$where"}',
          view: '{"pin":1,"$x":"\\u0000"}',
        };
        expect(await store.saveQuestion("p", toSave("q.1", odd), "any", always)).toBe("created");
        const saved = { ...toSave("q.1", odd), createdAt: 1_000 };
        expect(await store.savedQuestion("p", "q.1")).toEqual(saved);
        expect(await store.savedQuestion("p", "Q.1")).toBeUndefined();
        expect(await store.savedQuestion("q", "q.1")).toBeUndefined();

        const next = toSave("q.1", { kind: "funnel", version: "v2", savedAt: 2_000 });
        expect(await store.saveQuestion("p", next, "any", always)).toBe("replaced");
        expect(await store.savedQuestion("p", "q.1")).toEqual({ ...next, createdAt: 1_000 });
      }),
    );

    test(
      "are listed by name, without what they ask",
      onStore(async (store) => {
        for (const name of ["b", "a/1", "B", "a"]) {
          await store.saveQuestion("p", toSave(name, { view: "{}" }), "any", always);
        }
        await store.saveQuestion("other", toSave("c"), "any", always);
        const { question: _, ...summary } = {
          ...toSave("B"),
          createdAt: 1_000,
          view: "{}",
        };
        const listed = await store.savedQuestions("p");
        expect(listed.map(({ name }) => name)).toEqual(["B", "a", "a/1", "b"]);
        expect(listed[0]).toEqual(summary);
        expect(await store.savedQuestions("none")).toEqual([]);
      }),
    );

    test.each<[Precondition, version: string, whenAbsent: string, whenPresent: string]>([
      ["any", "v", "created", "replaced"],
      ["absent", "v", "created", "unmet"],
      ["present", "v", "unmet", "replaced"],
      [{ versions: ["x", "v"] }, "v", "unmet", "replaced"],
      [{ versions: ["x", "y"] }, "v", "unmet", "unmet"],
      [{ versions: [] }, "v", "unmet", "unmet"],
    ])("are saved only where it is demanded so (%j)", (demand, version, whenAbsent, whenPresent) =>
      onStore(async (store) => {
        expect(await store.saveQuestion("p", toSave("a"), demand, always)).toBe(whenAbsent);
        await store.saveQuestion("p", toSave("b", { version }), "any", always);
        const next = toSave("b", { version: "next" });
        expect(await store.saveQuestion("p", next, demand, always)).toBe(whenPresent);
        const kept = whenPresent === "unmet" ? version : "next";
        expect((await store.savedQuestion("p", "b"))?.version).toBe(kept);
      })(),
    );

    test.each<[Precondition, whenAbsent: string, whenPresent: string]>([
      ["any", "absent", "removed"],
      ["absent", "absent", "unmet"],
      ["present", "unmet", "removed"],
      [{ versions: ["v of b"] }, "unmet", "removed"],
      [{ versions: ["x"] }, "unmet", "unmet"],
    ])("are removed only where it is demanded so (%j)", (demand, whenAbsent, whenPresent) =>
      onStore(async (store) => {
        expect(await store.removeQuestion("p", "a", demand)).toBe(whenAbsent);
        await store.saveQuestion("p", toSave("b"), "any", always);
        expect(await store.removeQuestion("p", "b", demand)).toBe(whenPresent);
        const isThere = (await store.savedQuestion("p", "b")) !== undefined;
        expect(isThere).toBe(whenPresent === "unmet");
      })(),
    );

    test(
      "are as many as the limit allows; those that are there can still be replaced",
      onStore(async (store) => {
        const save = (project: string, name: string) =>
          store.saveQuestion(project, toSave(name), "any", 2);
        expect(await save("p", "a")).toBe("created");
        expect(await save("p", "b")).toBe("created");
        expect(await save("p", "c")).toBe("full");
        expect(await save("p", "a")).toBe("replaced");
        expect(await save("q", "c")).toBe("created");
        await store.removeQuestion("p", "b", "any");
        expect(await save("p", "c")).toBe("created");
        const many = ["d", "e", "f", "g"].map((name) => save("r", name));
        expect((await Promise.all(many)).toSorted()).toEqual([
          "created",
          "created",
          "full",
          "full",
        ]);
      }),
    );

    test(
      "of many who save one at once for the first time one creates it, and of many who change a version one does",
      onStore(async (store) => {
        const all = <T>(save: (version: string) => Promise<T>) =>
          Promise.all(["v1", "v2", "v3", "v4"].map(save));
        const first = await all((version) =>
          store.saveQuestion("p", toSave("a", { version }), "absent", always),
        );
        expect(first.toSorted()).toEqual(["created", "unmet", "unmet", "unmet"]);
        const { version: known } = (await store.savedQuestion("p", "a"))!;
        const changed = await all((version) =>
          store.saveQuestion(
            "p",
            toSave("a", { version: `${version}+` }),
            { versions: [known] },
            always,
          ),
        );
        expect(changed.toSorted()).toEqual(["replaced", "unmet", "unmet", "unmet"]);
      }),
    );

    test(
      "outlive the store's end",
      onStore(async (store, harness) => {
        await store.saveQuestion("p", toSave("a"), "any", always);
        await store.close();
        const again = await harness.open();
        expect((await again.savedQuestion("p", "a"))?.question).toBe(toSave("a").question);
      }),
    );
  });
}
