import { OwnCursorsMixin } from "../../../../mixins/query/own-cursors.mixin.ts";

interface Hooks {
  readonly before: { events(ctx: object): void };
  readonly after: { events(ctx: object, answer: object): { readonly nextCursor: string } };
}

const { before, after } = (OwnCursorsMixin() as unknown as { readonly hooks: Hooks }).hooks;

/** The cursor that a reader gets for one of a call. */
function read(cursor: string, orderName: string, project?: string): unknown {
  const ctx = { params: { cursor }, meta: { project } };
  before.events.call({ store: { orderName } }, ctx);
  return ctx.params.cursor;
}

function written(orderName: string, project?: string): string {
  const ctx = { params: {}, meta: { project } };
  return after.events.call({ store: { orderName } }, ctx, { nextCursor: "own" }).nextCursor;
}

test("a cursor goes on in its project and in its order of events alone", () => {
  for (const order of ["", "another"]) {
    for (const project of [undefined, "p"]) {
      const cursor = written(order, project);
      expect(read(cursor, order, project)).toBe("own");
      expect(read(cursor, order, "q")).toBe("");
      expect(read(cursor, order === "" ? "another" : "", project)).toBe("");
    }
  }
});

test("a cursor of an earlier version goes on where the order is the same", () => {
  expect(read("own.N6juwc4Z", "")).toBe("own");
  expect(read("own.N6juwc4Z", "another")).toBe("");
});
