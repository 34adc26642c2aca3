/**
 * One of the shares into which users (or sessions, correlations, mails) are divided, so that all
 * events of one user are in one share: share number `part` of `of` shares, counted from 0.
 */
export interface Share {
  readonly part: number;
  readonly of: number;
}

/** Whether a name belongs to a share. Each name belongs to exactly one share. */
export function isOfShare({ part, of }: Share, name: string): boolean {
  return of === 1 || shareOf(of, name) === part;
}

/**
 * The number of the share that a name belongs to, from 0 to `shares - 1`: the same on every node.
 * There are at most 2^32 shares. The hash is FNV-1a over code units (G. Fowler, L. C. Noll, K.-P.
 * Vo), mixed like the last step of MurmurHash3 (A. Appleby), because the low bits of FNV alone
 * follow those of the last code unit.
 */
export function shareOf(shares: number, name: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x0100_0193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shares;
}

/** The share of a job that is not divided. */
export const wholeShare: Share = { part: 0, of: 1 };
