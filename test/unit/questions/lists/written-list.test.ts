import type { ListAnswer } from "../../../../lib/questions/lists/list.ts";
import { listText, withPage, writtenList } from "../../../../lib/questions/lists/written-list.ts";

const data = [{ id: "e1", data: { é: "\ud800", n: 1e21 } }, { id: "e2" }];
const rest: Omit<ListAnswer, "data"> = {
  page: { limit: 2, nextCursor: null },
  total: 2,
  meta: {
    asOf: "2026-01-31T00:00:00.000Z",
    lagMs: 0,
    exact: true,
    source: "events",
    cache: "miss",
    tookMs: 1,
  },
};

test("a list whose events are written is the list itself, and its text is its JSON", () => {
  const list = writtenList(JSON.stringify(data), rest);
  const json = JSON.stringify({ data, ...rest });
  expect(listText(list)).toBe(json);
  expect(list).toEqual({ data, ...rest });
  expect(list.data).toBe(list.data);
  expect(JSON.stringify(list)).toBe(json);
});

test("an answer with another page has all the rest of it, written or not", () => {
  const page = { limit: 2, nextCursor: "next" };
  const json = JSON.stringify({ data, ...rest, page });
  const list = withPage(writtenList(JSON.stringify(data), rest), page);
  expect(listText(list)).toBe(json);
  expect(JSON.stringify(withPage({ data, ...rest }, page))).toBe(json);
});

test("nothing else has a text", () => {
  for (const other of [{ data, ...rest }, null, undefined, "list", []]) {
    expect(listText(other)).toBeUndefined();
  }
});
