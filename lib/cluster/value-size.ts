const perValue = 16;
const perKey = 16;

/**
 * About how many bytes a plain value takes in memory, texts taken for two bytes a character.
 * @param most whether it is more than this is not looked at
 */
export function sizeOf(value: unknown, most = Infinity): number {
  let size = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && size <= most) {
    const next = open.pop();
    size += perValue;
    if (typeof next === "string") size += 2 * next.length;
    else if (ArrayBuffer.isView(next)) size += next.byteLength;
    else if (Array.isArray(next)) for (const one of next) open.push(one);
    else if (typeof next === "object" && next !== null) {
      for (const one of Object.values(next)) {
        size += perKey;
        open.push(one);
      }
    }
  }
  return size;
}
