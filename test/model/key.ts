import type { Aggregator, Processor, State } from "./world.ts";

const bytes = Buffer.alloc(64);

/**
 * A text that is equal for states from which the same can happen. Two symmetries make the model small,
 * and one of them finite: actors of a kind are alike, so their order does not matter; and of a nonce
 * only this matters, whether it is the one that stands, unless `numbered` (a counter's next value
 * depends on the last one). Every value is below 256.
 */
export function keyOf(s: State, numbered: boolean): string {
  let size = 0;
  const put = (value: number) => {
    bytes[size++] = value;
  };
  const putPair = (values: readonly number[]) => {
    const [a = 0, b = 0] = values;
    for (const value of a < b ? [a, b] : [b, a]) {
      put(value);
      put(value >> 8);
      put(value >> 16);
      put(value >> 24);
    }
  };

  s.queue.forEach(put);
  s.events.forEach(put);
  s.deltas.forEach(put);
  s.versions.forEach(put);
  s.rollups.forEach(put);
  s.marks.forEach((nonce) => put(numbered ? nonce : Math.sign(nonce)));
  putPair(s.processors.map(processorCode));
  putPair(s.aggregators.map((each) => aggregatorCode(each, nonceOf(each))));
  const { at, promised, marked, held } = s.reader;
  for (const value of [at, promised, marked, held, s.made]) put(value);
  return bytes.toString("latin1", 0, size);

  function nonceOf({ at, bucket, nonce }: Aggregator): number {
    if (numbered) return nonce;
    return at > 0 && s.marks[bucket] === nonce ? 1 : 0;
  }
}

/** The fields side by side: 4, 1, 3, 6 and 2 bits. */
function processorCode({ at, message, batch, owned, fresh }: Processor): number {
  return at | (message << 4) | (batch << 5) | (owned << 8) | (fresh << 14);
}

/** The fields side by side: 4, 2, 3, 6, 1, 1 and up to 8 bits. */
function aggregatorCode(one: Aggregator, nonce: number): number {
  const { at, bucket, v, counts, changed, bare } = one;
  const flags = (Number(changed) << 15) | (Number(bare) << 16);
  return at | (bucket << 4) | (v << 6) | (counts << 9) | flags | (nonce << 17);
}
