import { sampleSize } from "../../lib/store/store.ts";
import { event, minute, type OnStore } from "./store-harness.ts";

const limits = { timeoutMs: 60_000 };

/** The newest events, looked at where they are. */
export function sampleContract(onStore: OnStore): void {
  test(
    "a sample is of one project's newest events of some types and a range, and tells whether these are all",
    onStore(async (store) => {
      const size = sampleSize.events;
      const some = Array.from({ length: size + 2 }, (_, i) =>
        event(`e${i}`, { timestamp: minute + i, data: { plan: i < 2 ? "old" : "new" } }),
      );
      const others = [
        event("other type", { type: "mail.sent", data: { plan: 7 } }),
        event("other project", { project: "q", data: { plan: true } }),
      ];
      for (let at = 0; at < some.length; at += 500) {
        await store.append(`b${at}`, some.slice(at, at + 500));
      }
      await store.append("others", others.slice(0, 1));
      await store.append("foreign", others.slice(1));

      const types = ["mail.opened"];
      const values = { kind: "values", path: ["data", "plan"], limit: 10 } as const;
      const found = await store.sample({ project: "p", types }, values, limits);
      expect(found).toEqual({
        result: { rows: [{ value: "new", kind: "text", count: size }], rowsLeftOut: 0 },
        events: size,
        isWhole: false,
      });

      const narrow = { project: "p", from: minute, to: minute + 2 };
      expect(await store.sample(narrow, values, limits)).toEqual({
        result: {
          rows: [
            { value: "old", kind: "text", count: 2 },
            { value: "7", kind: "number", count: 1 },
          ],
          rowsLeftOut: 0,
        },
        events: 3,
        isWhole: true,
      });
      const properties = { kind: "properties", limit: 10 } as const;
      const foreign = await store.sample({ project: "q" }, properties, limits);
      expect(foreign).toMatchObject({ events: 1, isWhole: true });
      expect(foreign.result.rows).toContainEqual({
        property: "data.plan",
        kinds: ["boolean"],
        share: 1,
      });
    }),
  );
}
