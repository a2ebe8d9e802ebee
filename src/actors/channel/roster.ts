import { toHex } from '../../base/bytes.ts';
import type { ChannelMember, EpochChange } from './channel-event.ts';

interface Place {
  readonly identity: Uint8Array;
  readonly sinceEpoch: bigint;
}

/**
 * The members whose word is waited for: those of the epoch in which the question is encrypted, without the one who asks.
 *
 * Which epoch that is shows only when the relay has the question. Until then those who come are put down as well, and
 * those who go are remembered.
 */
export class Roster {
  readonly #places = new Map<string, Place>();
  /** Who has left before it was known whether the question was for it. */
  readonly #left: (Place & { readonly inEpoch: bigint })[] = [];
  readonly #self: string;
  #sentIn: bigint | undefined;

  constructor(members: readonly ChannelMember[], epoch: bigint, self: Uint8Array) {
    this.#self = toHex(self);
    this.#add(members, epoch);
  }

  /** Whether the epoch of the question is known. Before that nobody has heard it, and nobody is the last. */
  get isSettled(): boolean {
    return this.#sentIn !== undefined;
  }

  /** Those who are waited for. */
  get waitedFor(): readonly Uint8Array[] {
    return [...this.#places.values()].map(({ identity }) => identity);
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** Somebody is not waited for any more. False if it was not waited for. */
  done(identity: Uint8Array): boolean {
    return this.#places.delete(toHex(identity));
  }

  /** The group has changed. Returns who was waited for, and is no member any more. */
  changed({ epoch, added, removed }: EpochChange): readonly Uint8Array[] {
    const comers = new Set(added.map(({ identity }) => toHex(identity)));
    const left: Uint8Array[] = [];
    for (const { identity } of removed) {
      const key = toHex(identity);
      const place = this.#places.get(key);
      // Who comes back in the same commit has a fresh leaf, and is the same member.
      if (place === undefined || comers.has(key)) continue;
      this.#places.delete(key);
      if (this.isSettled) left.push(identity);
      else this.#left.push({ ...place, inEpoch: epoch });
    }
    if (!this.isSettled) this.#add(added, epoch);
    return left;
  }

  /** The question was encrypted in `epoch`. Returns whom it was for, and who is no member any more. */
  sentIn(epoch: bigint): readonly Uint8Array[] {
    this.#sentIn = epoch;
    for (const [key, { sinceEpoch }] of [...this.#places]) if (sinceEpoch > epoch) this.#places.delete(key);
    const left = this.#left.filter(({ sinceEpoch, inEpoch }) => sinceEpoch <= epoch && epoch < inEpoch);
    return left.map(({ identity }) => identity);
  }

  #add(members: readonly ChannelMember[], sinceEpoch: bigint): void {
    for (const { identity } of members) {
      const key = toHex(identity);
      if (key !== this.#self && !this.#places.has(key)) this.#places.set(key, { identity, sinceEpoch });
    }
  }
}
