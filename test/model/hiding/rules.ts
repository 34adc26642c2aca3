/**
 * The rules by which answers leave out what an erasure removes, from the moment it is acknowledged
 * (lib/store/hidden.ts). The first value of each rule is right; every other value is a mistake, and
 * the comment says what it breaks.
 */
export interface Rules {
  /**
   * When an erasure is acknowledged. "before the job is noted": a reader that begins afterwards
   * finds no open erasure.
   */
  readonly acknowledge: "once the job is noted" | "before the job is noted";
  /**
   * When a reader looks for open erasures. "after the fingerprint": the erasure ends in between,
   * and an old answer is still in the cache under the old fingerprint. "after what it reads": the
   * erasure ends in between, after the event was read.
   */
  readonly look: "before all else" | "after the fingerprint" | "after what it reads";
  /**
   * What the key of a cached answer names. "the fingerprint alone": an answer of before the request
   * is given after it.
   */
  readonly key: "the open erasures too" | "the fingerprint alone";
  /**
   * When the job is done. "before the counts are made anew": a reader finds no open erasure, and
   * old answers under an unchanged fingerprint.
   */
  readonly done: "once the counts are made anew" | "before the counts are made anew";
  /** What a count says meanwhile. "nothing": it holds the event, and claims to be exact. */
  readonly counts: "that an erasure is open" | "nothing";
  /**
   * Which events are left out. "all of the person": an answer lacks what the person sent after the
   * request.
   */
  readonly hidden: "what was accepted before the request" | "all of the person";
}

export const rules: Rules = {
  acknowledge: "once the job is noted",
  look: "before all else",
  key: "the open erasures too",
  done: "once the counts are made anew",
  counts: "that an erasure is open",
  hidden: "what was accepted before the request",
};
