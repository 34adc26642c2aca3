import type { Act, ActStore } from "./acts.ts";
import type { StoredKey } from "./keys.ts";

/** How far the clocks of a key and of the act that made it may be apart. */
const slackMs = 60_000;

const pageSize = 1_000;

/**
 * How long a key was made to hold, whatever has ended it since: the audit log tells until when, as
 * the end of a key is moved forward by a rotation. Reads the acts of the minutes around its
 * creation.
 * @returns milliseconds; `undefined` for ever
 */
export async function lifeOf(
  acts: Pick<ActStore, "list">,
  key: StoredKey,
): Promise<number | undefined> {
  const act = await actOfMaking(acts, key);
  const until = act === undefined ? key.endsAt : expiryIn(act);
  return until === undefined ? undefined : until - key.createdAt;
}

async function actOfMaking(
  acts: Pick<ActStore, "list">,
  { project, id, createdAt }: StoredKey,
): Promise<Act | undefined> {
  let before = firstIdAt(createdAt + slackMs);
  for (;;) {
    const page = await acts.list(project, { limit: pageSize, before });
    const found = page.find(
      ({ what, target }) => target === id && (what === "keys.create" || what === "keys.rotate"),
    );
    const last = page.at(-1);
    if (found !== undefined || last === undefined || last.at < createdAt - slackMs) return found;
    before = last.id;
  }
}

/** A text that stands before all UUIDv7 of an instant or later (RFC 9562, 5.7). */
function firstIdAt(instant: number): string {
  const hex = instant.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function expiryIn({ details }: Act): number | undefined {
  const { expiresAt } = details;
  return typeof expiresAt === "string" ? Date.parse(expiresAt) : undefined;
}
