/** The first `limit` UTF-16 units of a text, or one less where the cut would split a character. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}

/**
 * A domain with its country's ending replaced by `*`: `yahoo.co.uk` and `yahoo.com` are both
 * `yahoo.*`. It lets one entry of a list stand for a brand's national sites. The ending is `com`,
 * two letters, or `co`, `com`, `net`, `org`, `ne` or `or` before two letters; `undefined` for any
 * other.
 */
export function anyCountry(domain: string): string | undefined {
  const ending = /\.(?:com|(?:com?|net|org|ne|or)\.[a-z]{2}|[a-z]{2})$/.exec(domain);
  return ending === null || ending.index === 0 ? undefined : `${domain.slice(0, ending.index)}.*`;
}
