/** Parameters as an object: the values of a repeated name as a list, in their order. */
export function parameterObject<Value extends string | number>(
  parameters: readonly (readonly [name: string, value: Value])[],
): Readonly<Record<string, Value | readonly Value[]>> {
  const values = Map.groupBy(parameters, ([name]) => name);
  return Object.fromEntries(
    [...values].map(([name, all]) => [
      name,
      all.length === 1 ? all[0]![1] : all.map(([, value]) => value),
    ]),
  );
}
