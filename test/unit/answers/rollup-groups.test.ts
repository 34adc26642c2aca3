import { filterOf } from "../../../lib/answers/rollup-groups.ts";
import { pathOf } from "../../../lib/counting/dimensions.ts";

test.each(["data.plan", "data.__proto__", "data.__proto__.plan", "metadata.constructor"])(
  "a value counted under %s meets a filter as the event that has it does",
  (section) => {
    const filter = { path: pathOf(section), op: "is", values: ["pro"] } as const;
    const meets = filterOf({ source: "rollup", section, users: false, filter });
    const met = ["pro", "free", "(none)"].map((value) => meets("a", value));
    expect(met).toEqual([true, false, false]);
  },
);
