/** Words of addresses and parts of paths, which are no ids: what they lead to is no event. */
const reservedIds = ["batch", "counts", "export", "stream", ".", ".."];

/** The path of an event in the API; `undefined` for a text that no event can have for an id. */
export function eventPath(id: string): string | undefined {
  return reservedIds.includes(id) ? undefined : `/api/v1/events/${encodeURIComponent(id)}`;
}
