import type { Choice } from "./choices.ts";

/** How events belong together, by the API's names. */
export type Actor = "user" | "correlationId" | "session";

/** Whether types are about mails: a correlation is then one mail. */
export function ofMails(types: readonly string[]): boolean {
  return types.some((type) => type.startsWith("email."));
}

/** In words: a correlation of mails is a mail. */
export function actorName(actor: Actor, types: readonly string[]): readonly [string, string] {
  if (actor === "user") return ["user", "users"];
  if (actor === "session") return ["session", "sessions"];
  return ofMails(types) ? ["mail", "mails"] : ["correlation", "correlations"];
}

export function actorChoices(types: readonly string[]): readonly Choice[] {
  const name = (actor: Actor) => actorName(actor, types)[1];
  return [
    { id: "user", name: name("user"), note: "by the user's id" },
    { id: "correlationId", name: name("correlationId"), note: "by the correlation" },
    { id: "session", name: name("session"), note: "by the session's id" },
  ];
}
