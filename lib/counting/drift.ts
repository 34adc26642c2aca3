import { isCut, type Cells, type TypeCounts, type ValueCounts } from "./cells.ts";
import { estimate } from "./sketch.ts";

/** A number of a rollup that differs from the sum of its parts. */
export interface Difference {
  readonly section: string;
  readonly type: string;
  /** The value of the dimension. */
  readonly value?: string;
  readonly rollup: number;
  readonly counted: number;
}

/**
 * Lists where a rollup differs from a sum that was cut in the same way. For users it compares the
 * estimates, which may be equal where the sketches are not. It compares a dimension only where both
 * hold all of its values, since the configuration may have changed.
 */
export function differences(rollup: Cells, counted: Cells): readonly Difference[] {
  return [
    ...countDifferences("types", rollup.types, counted.types),
    ...userDifferences(rollup, counted),
    ...Object.keys(counted.dimensions).flatMap((name) => {
      const [left, right] = [rollup.dimensions[name], counted.dimensions[name]!];
      if (left === undefined || isCut(left) !== isCut(right)) return [];
      return valueDifferences(name, left, right);
    }),
  ];
}

/** Whether a rollup lacks dimensions, or values of dimensions, that a sum has. */
export function lacksDimensions(rollup: Cells, counted: Cells): boolean {
  return Object.keys(counted.dimensions).some((name) => {
    const values = counted.dimensions[name]!;
    if (Object.keys(values).length === 0) return false;
    const left = rollup.dimensions[name];
    return left === undefined || (isCut(left) && !isCut(values));
  });
}

function countDifferences(
  section: string,
  rollup: TypeCounts,
  counted: TypeCounts,
  type?: string,
): readonly Difference[] {
  const keys = [...new Set([...Object.keys(rollup), ...Object.keys(counted)])].sort();
  return keys
    .map((key) => ({
      section,
      ...(type === undefined ? { type: key } : { type, value: key }),
      rollup: of(rollup, key) ?? 0,
      counted: of(counted, key) ?? 0,
    }))
    .filter((each) => each.rollup !== each.counted);
}

function userDifferences(rollup: Cells, counted: Cells): readonly Difference[] {
  const types = new Set([...Object.keys(rollup.users), ...Object.keys(counted.users)]);
  return [...types]
    .sort()
    .filter((type) => (of(rollup.users, type) ?? "") !== (of(counted.users, type) ?? ""))
    .map((type) => ({
      section: "users",
      type,
      rollup: estimate(of(rollup.users, type) ?? ""),
      counted: estimate(of(counted.users, type) ?? ""),
    }));
}

function valueDifferences(
  section: string,
  rollup: ValueCounts,
  counted: ValueCounts,
): readonly Difference[] {
  const types = [...new Set([...Object.keys(rollup), ...Object.keys(counted)])].sort();
  return types.flatMap((type) =>
    countDifferences(section, of(rollup, type) ?? {}, of(counted, type) ?? {}, type),
  );
}

/** Reads an own property only: keys come from users. */
function of<T>(from: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}
