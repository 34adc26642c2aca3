/**
 * How many calls are remembered that have ended. A call that is delivered again was not acknowledged
 * when its connection was lost: it is among the last that ended before that.
 */
const maxRemembered = 1_000;

/**
 * The calls of other nodes, each of which may be delivered twice: where the connection is lost
 * before a call is acknowledged, the message broker delivers it again to the same process. The
 * caller may have heard the first answer or not, so the second one must not contradict it.
 */
export class Deliveries<T> {
  readonly #underWay = new Map<string, Promise<T>>();
  /** The calls that failed, and `null` for those that were carried out. */
  readonly #ended = new Map<string, Promise<T> | null>();

  /**
   * Carries a call out. Where the same call is under way, it ends as that one does, and where it
   * failed before, it fails alike.
   * @param work gets whether the call was carried out before
   */
  carryOut(id: string, work: (again: boolean) => Promise<T>): Promise<T> {
    const ended = this.#ended.get(id);
    const known = this.#underWay.get(id) ?? ended;
    if (known !== undefined && known !== null) return known;
    const working = work(ended === null);
    this.#underWay.set(id, working);
    working.then(
      () => this.#end(id, null),
      () => this.#end(id, working),
    );
    return working;
  }

  #end(id: string, how: Promise<T> | null): void {
    this.#underWay.delete(id);
    this.#ended.set(id, how);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > maxRemembered) this.#ended.delete(oldest!);
  }
}
