/** A `redis:` or `rediss:` URL as the client's options: where these are given it takes no URL beside them. */
export function addressOf(url: string): Record<string, unknown> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const db = Number(pathname.slice(1));
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 6_379 : Number(port),
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(Number.isInteger(db) && { db }),
    ...(protocol === "rediss:" && { tls: {} }),
  };
}
