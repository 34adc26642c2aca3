/**
 * One of the shares that users (or sessions, correlations, mails) are divided into, so that all
 * events of one are in one share: the `part`th of `of`, counted from 0.
 */
export interface Share {
  readonly part: number;
  readonly of: number;
}

/** Whether what is named so belongs to a share; each name belongs to one of them. */
export function isOfShare({ part, of }: Share, name: string): boolean {
  return of === 1 || shareOf(of, name) === part;
}

/**
 * To which of so many shares (2^32 at most) a name belongs, from 0 on: the same on every node. By
 * FNV-1a over its code units (G. Fowler, L. C. Noll, K.-P. Vo), mixed as the last step of MurmurHash3
 * does it (A. Appleby), because the low bits of FNV alone follow those of the last code unit.
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

/** The only one. */
export const wholeShare: Share = { part: 0, of: 1 };
