import type { ListAnswer } from "./list.ts";

type Rest = Omit<ListAnswer, "data">;

interface Written {
  readonly events: string;
  readonly rest: Rest;
}

const written = new WeakMap<object, Written>();

/**
 * A list whose events are JSON already, an array. They are parsed only where `data` is read, which
 * the gateway of the same process does not (`listText`).
 */
export function writtenList(events: string, rest: Rest): ListAnswer {
  let data: ListAnswer["data"] | undefined;
  const answer = {
    get data() {
      return (data ??= JSON.parse(events) as ListAnswer["data"]);
    },
    ...rest,
  };
  written.set(answer, { events, rest });
  return answer;
}

/** An answer with another page. The events of a list stay unparsed. */
export function withPage<Answer extends object>(
  answer: Answer,
  page: Pick<ListAnswer["page"], "nextCursor">,
): Answer {
  const list = written.get(answer);
  if (list === undefined) return { ...answer, page };
  return writtenList(list.events, { ...list.rest, page } as Rest) as object as Answer;
}

/** The JSON of a list that `writtenList` made in this process; `undefined` for anything else. */
export function listText(answer: unknown): string | undefined {
  const list = typeof answer === "object" && answer !== null ? written.get(answer) : undefined;
  return list && `{"data":${list.events},${JSON.stringify(list.rest).slice(1)}`;
}
