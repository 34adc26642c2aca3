import type { BegunAct } from "../../lib/store/acts.ts";
import type { OnStore } from "./store-harness.ts";

function act(id: string, more: Partial<BegunAct> = {}): BegunAct {
  return {
    id,
    project: "p",
    at: 1_000,
    actor: { kind: "key", id: "k1", name: "ci" },
    what: "keys.create",
    target: `target of ${id}`,
    details: { scopes: ["admin"] },
    ...more,
  };
}

/** `acts`: who did what. */
export function actsContract(onStore: OnStore): void {
  describe("acts", () => {
    test(
      "come back as they were taken down, for their project alone, the newest first, page by page",
      onStore(async ({ acts }, harness) => {
        const odd = act("2", {
          target: "\ud800\u0000😀",
          details: { $where: "\u0000", "a.b": [null] },
          requestId: "r-1",
        });
        for (const one of [odd, act("3"), act("1"), act("9", { project: "q" })]) {
          await acts.begin(one);
        }
        const begun = (one: BegunAct) => ({ ...one, outcome: "begun" });
        expect(await acts.list("p", { limit: 2 })).toEqual([begun(act("3")), begun(odd)]);
        expect(await acts.list("p", { limit: 2, before: "2" })).toEqual([begun(act("1"))]);
        expect(await acts.list("none", { limit: 2 })).toEqual([]);
        const again = await harness.open();
        expect(await again.acts.list("p", { limit: 9 })).toHaveLength(3);
      }),
    );

    test(
      "are told once how they ended, and never otherwise",
      onStore(async ({ acts }) => {
        await acts.begin(act("1"));
        await acts.begin(act("2"));
        const outcomes = async () =>
          (await acts.list("p", { limit: 9 })).map(({ outcome }) => outcome);
        await acts.end("q", "1", "done");
        expect(await outcomes()).toEqual(["begun", "begun"]);
        await acts.end("p", "1", "failed");
        await acts.end("p", "1", "done");
        await acts.end("p", "2", "done");
        expect(await outcomes()).toEqual(["done", "failed"]);
      }),
    );
  });
}
