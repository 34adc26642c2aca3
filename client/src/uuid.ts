/** The clock and the randomness that ids are made of. */
export interface IdSource {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Returns random bytes of a cryptographic source. */
  readonly bytes: (count: number) => Uint8Array;
}

const maxCount = 0xfff;

/**
 * Makes UUIDs of version 7 (RFC 9562, 5.7 and method 1 of 6.2): 48 bits of time, a 12-bit counter that begins anew with each
 * millisecond, 62 random bits. Each is greater than the one before, also where the clock goes back.
 */
export function uuidV7({ now, bytes }: IdSource): () => string {
  let time = -Infinity;
  let count = 0;
  return () => {
    const instant = Math.floor(now());
    const random = bytes(10);
    if (instant > time) {
      time = instant;
      // The upper bit is left free, so that the counter has room.
      count = ((random[8]! << 8) | random[9]!) & (maxCount >> 1);
    } else if (count < maxCount) {
      count += 1;
    } else {
      time += 1;
      count = 0;
    }
    random[0] = (random[0]! & 0x3f) | 0x80;
    const tail = Array.from(random.subarray(0, 8), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    const head = time.toString(16).padStart(12, "0");
    const counter = count.toString(16).padStart(3, "0");
    return `${head.slice(0, 8)}-${head.slice(8)}-7${counter}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}

/** Makes ids with the platform's clock and randomness. */
export const newId: () => string = uuidV7({
  now: () => Date.now(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
});
