import { flowOf, litBy, ribbon, type Flow, type Path } from "../../../page/pure/flow.ts";

const size = { width: 1_000, height: 420, first: 0, columns: 3, labels: 150 };
const paths: readonly Path[] = [
  { types: ["open", "click"], count: 50, users: 40 },
  { types: ["open"], count: 30, users: 30 },
  { types: [], count: 15, users: 15 },
];

function node(flow: Flow, column: number, name: string) {
  return flow.nodes.find((one) => one.column === column && one.name === name)!;
}

describe("the flow of paths", () => {
  test("nodes count the paths through them; what ends has an end; what is left out has a node", () => {
    const { nodes } = flowOf("sent", paths, 100, 2, size);
    expect(nodes.map(({ column, name, count }) => [column, name, count])).toEqual([
      [0, "sent", 100],
      [1, "open", 80],
      [1, "(end)", 15],
      [1, "other paths", 5],
      [2, "click", 50],
      [2, "(end)", 30],
    ]);
  });

  test("beyond six types a column gathers the others", () => {
    const many = Array.from({ length: 15 }, (_, index) => ({
      types: [`t${index}`],
      count: 100 - index,
      users: 1,
    }));
    const total = many.reduce((sum, { count }) => sum + count, 0);
    const { nodes } = flowOf("sent", many, total, 1, { ...size, columns: 2 });
    const second = nodes.filter(({ column }) => column === 1);
    expect(second.map(({ name }) => name)).toEqual([
      ...["t0", "t1", "t2", "t3", "t4", "t5"],
      "9 more",
    ]);
    expect(second.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    expect(second.at(-1)!.y + second.at(-1)!.height).toBeLessThanOrEqual(size.height);
  });

  test("heights are in proportion, and ribbons fill what they leave", () => {
    const flow = flowOf("sent", paths, 100, 2, size);
    const [sent, open] = [node(flow, 0, "sent"), node(flow, 1, "open")];
    expect(open.height / sent.height).toBeCloseTo(0.8);
    const leaving = flow.links.filter(({ from }) => from.id === sent.id);
    expect(leaving.reduce((sum, { thickness }) => sum + thickness, 0)).toBeCloseTo(sent.height);
    expect(ribbon(leaving[0]!, leaving[0]!.thickness)).toMatch(/^M8 4C[\d. ]+L[\d. ]+C[\d. ]+Z$/);
  });

  test("a node lights its paths alone", () => {
    const flow = flowOf("sent", paths, 100, 2, size);
    const lit = litBy(flow, node(flow, 2, "click").id);
    expect([...lit.values()]).toEqual([50, 50]);
  });

  test("two columns from any step on", () => {
    const flow = flowOf("sent", paths, 100, 2, { ...size, first: 1, columns: 2 });
    expect(new Set(flow.nodes.map(({ column }) => column))).toEqual(new Set([1, 2]));
    expect(flow.links.map(({ count }) => count)).toEqual([50, 30]);
  });
});
