/**
 * Counts how many bytes of memory each owner holds, and all of them together. It refuses nothing:
 * its user decides.
 */
export class ByteAccount {
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  /** The bytes that all holders hold together. */
  get heldBytes(): number {
    return this.#held;
  }

  heldBy(owner: string): number {
    return this.#heldBy.get(owner) ?? 0;
  }

  /** @param bytes below 0 where an owner holds less from now on */
  add(owner: string, bytes: number): void {
    this.#held += bytes;
    const own = this.heldBy(owner) + bytes;
    if (own === 0) this.#heldBy.delete(owner);
    else this.#heldBy.set(owner, own);
  }
}
