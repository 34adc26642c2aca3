import { FoldOverflow } from "../fold.ts";

/** A sequence of types, the number of times it was taken, and the number of its users. */
export interface Path {
  readonly types: readonly string[];
  readonly count: number;
  readonly users: number;
}

/**
 * The paths of some users, each with its types (as ranks), its count and the number of its users.
 */
export interface PathTreePart {
  readonly paths: readonly (readonly [types: readonly number[], count: number, users: number])[];
  readonly total: { readonly count: number; readonly users: number };
}

const maxNodes = 1_000_000;

/**
 * Counts paths, user by user, in a tree with a node for each beginning of a path. Nodes are
 * numbered from 0, the root.
 */
export class PathTree {
  /** The types in the order of their ranks. */
  readonly #types: readonly string[];
  /** The children by the parent's number times the number of types, plus the type. */
  readonly #children = new Map<number, number>();
  readonly #parent: number[] = [-1];
  readonly #type: number[] = [-1];
  /**
   * For each node: the number of paths that end there, the number of their users, and the last
   * user.
   */
  readonly #counts: number[] = [0];
  readonly #users: number[] = [0];
  readonly #lastUser: number[] = [-1];
  #at = 0;
  #different = 0;
  #total = { count: 0, users: 0 };
  #totalLastUser = -1;

  constructor(types: readonly string[]) {
    this.#types = types;
  }

  get total(): { readonly count: number; readonly users: number } {
    return this.#total;
  }

  /** The number of different paths. */
  get different(): number {
    return this.#different;
  }

  begin(): void {
    this.#at = 0;
  }

  /**
   * Extends the current path by a type.
   * @throws FoldOverflow where there are too many different paths
   */
  step(type: number): void {
    const key = this.#at * this.#types.length + type;
    this.#at = this.#children.get(key) ?? this.#grow(key, type);
  }

  /**
   * Ends the current path. @param user the user's number; all paths of one user come consecutively
   */
  end(user: number): void {
    if (this.#counts[this.#at]! === 0) this.#different += 1;
    this.#counts[this.#at]! += 1;
    this.#total.count += 1;
    if (this.#lastUser[this.#at] !== user) this.#users[this.#at]! += 1;
    if (this.#totalLastUser !== user) this.#total.users += 1;
    this.#lastUser[this.#at] = user;
    this.#totalLastUser = user;
  }

  /** The paths as plain data, for another tree to merge. */
  partial(): PathTreePart {
    const ended = this.#counts.keys().filter((node) => this.#counts[node]! > 0);
    const paths = [...ended].map(
      (node) => [this.#ranksTo(node), this.#counts[node]!, this.#users[node]!] as const,
    );
    return { paths, total: this.#total };
  }

  /**
   * Adds the paths of other users.
   * @param ranks this tree's rank of each type of the other tree
   * @throws FoldOverflow as `step`
   */
  merge({ paths, total }: PathTreePart, ranks: readonly number[]): void {
    for (const [types, count, users] of paths) {
      this.begin();
      for (const type of types) this.step(ranks[type]!);
      if (this.#counts[this.#at]! === 0) this.#different += 1;
      this.#counts[this.#at]! += count;
      this.#users[this.#at]! += users;
    }
    this.#total.count += total.count;
    this.#total.users += total.users;
  }

  /** The most frequent paths first; equally frequent ones by their types. */
  largest(limit: number): readonly Path[] {
    const ended = this.#counts.keys().filter((node) => this.#counts[node]! > 0);
    return [...ended]
      .map((node) => ({ node, ranks: this.#ranksTo(node) }))
      .sort(
        (a, b) => this.#counts[b.node]! - this.#counts[a.node]! || compareRanks(a.ranks, b.ranks),
      )
      .slice(0, limit)
      .map(({ node, ranks }) => ({
        types: ranks.map((rank) => this.#types[rank]!),
        count: this.#counts[node]!,
        users: this.#users[node]!,
      }));
  }

  #ranksTo(node: number): readonly number[] {
    const ranks: number[] = [];
    for (let at = node; at > 0; at = this.#parent[at]!) ranks.push(this.#type[at]!);
    return ranks.reverse();
  }

  #grow(key: number, type: number): number {
    const node = this.#counts.length;
    if (node > maxNodes) {
      throw new FoldOverflow(
        `there are more than ${maxNodes} different paths; shorter ones, or those of a narrower range, are fewer`,
      );
    }
    this.#children.set(key, node);
    this.#parent.push(this.#at);
    this.#type.push(type);
    this.#counts.push(0);
    this.#users.push(0);
    this.#lastUser.push(-1);
    return node;
  }
}

/** Compares rank by rank. A path comes after its own beginning. */
function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
