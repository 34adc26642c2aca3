/** Questions that are refused with 400, whether the action that answers them runs here or on another node. */
const badQuestions: readonly (readonly [name: string, path: string, body: string])[] = [
  ["no object", "/query", "[]"],
  ["no JSON", "/query", "{"],
  ["5,000 levels", "/query", nested(5_000)],
  ["1,000 levels", "/query", nested(1_000)],
  ["5,000 levels of a funnel", "/query/funnel", nested(5_000)],
  ["5,000 levels of retention", "/query/retention", nested(5_000)],
  ["5,000 levels of paths", "/query/paths", nested(5_000)],
  [
    "50 levels of filters",
    "/query",
    filtered('["not",'.repeat(50) + '["exists","type",true]' + "]".repeat(50)),
  ],
  ["a number beyond a double", "/query", filtered('["is","data.a",[1e400]]')],
  ["a number beyond 2^53", "/query", filtered('["is","data.a",[12345678901234567890]]')],
  ["__proto__", "/query", '{"metrics":["count"],"__proto__":{"limit":1}}'],
  ["a filter that is none", "/query", filtered("7")],
];

function filtered(filter: string): string {
  return `{"metrics":["count"],"filters":${filter}}`;
}

function nested(levels: number): string {
  return `{"metrics":["count"],"steps":[],"filters":${"[".repeat(levels)}${"]".repeat(levels)}}`;
}

/** @returns by name what each is answered, as status and type */
export async function answersToBadQuestions(
  url: string,
): Promise<Readonly<Record<string, unknown>>> {
  const answers = badQuestions.map(async ([name, path, body]) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    const { errors, detail } = (await response.json()) as { errors?: unknown[]; detail?: string };
    return [
      name,
      { status: response.status, told: errors !== undefined || detail !== undefined },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

/** What they have to be answered. */
export const refusedAll = Object.fromEntries(
  badQuestions.map(([name]) => [name, { status: 400, told: true }]),
);
