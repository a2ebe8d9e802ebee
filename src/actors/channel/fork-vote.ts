import { toHex } from '../../base/bytes.ts';

interface Side {
  readonly members: Set<string>;
  /** Where in the log the side was first spoken for. */
  firstSeq: number;
}

/**
 * Members that are in different states of one epoch, counted. The larger side goes on; of two that are equal, the one that has
 * spoken first in the log. All who read the same log come to the same result.
 */
export class ForkVote {
  readonly #own: Side = { members: new Set(['self']), firstSeq: Number.POSITIVE_INFINITY };
  readonly #others = new Map<string, Side>();

  /** Whether somebody is in another state. */
  get isContested(): boolean {
    return this.#others.size > 0;
  }

  /** Whether somebody else is in the own state, as far as heard. */
  get isSeconded(): boolean {
    return this.#own.members.size > 1;
  }

  /** The own statement is in the log. */
  stated(seq: number): void {
    this.#own.firstSeq = Math.min(this.#own.firstSeq, seq);
  }

  /** Another member has spoken. */
  heard(identity: Uint8Array, digest: Uint8Array, agrees: boolean, seq: number): void {
    const side = agrees ? this.#own : this.#sideOf(toHex(digest), seq);
    side.members.add(toHex(identity));
    side.firstSeq = Math.min(side.firstSeq, seq);
  }

  /** Whether the own side goes on. */
  get isWon(): boolean {
    const { members, firstSeq } = this.#own;
    return [...this.#others.values()].every((other) => {
      if (other.members.size !== members.size) return other.members.size < members.size;
      return firstSeq < other.firstSeq;
    });
  }

  #sideOf(digest: string, seq: number): Side {
    const side = this.#others.get(digest) ?? { members: new Set<string>(), firstSeq: seq };
    this.#others.set(digest, side);
    return side;
  }
}
