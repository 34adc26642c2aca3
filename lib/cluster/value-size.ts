const perValue = 16;
const perKey = 16;

/**
 * Estimates how many bytes a plain value takes in memory, two for each character of a text.
 * @param most the count stops once it exceeds this
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
