import { toHex } from '../../base/bytes.ts';
import { ChannelError } from '../../base/errors.ts';
import {
  type AdmissionNote,
  type ChannelRecord,
  type GroupExtension,
  groupMembers,
  type MlsEngine,
  readKeyPackage,
} from '../../mls/index.ts';
import type { GroupChange } from './channel-event.ts';

/** Key packages in one commit: its Welcome holds the tree and something for each of them. */
const MAX_ADDS = 100;

/** A change in the engine's terms: leaves instead of identities. */
export interface LeafChange {
  readonly add: readonly Uint8Array[];
  readonly replace: readonly Uint8Array[];
  readonly remove: readonly number[];
  readonly rotate: boolean;
  readonly extensions: readonly GroupExtension[] | undefined;
  readonly notes: readonly AdmissionNote[];
}

/**
 * Several wanted changes as one commit. Takes them in order and as many as go together; what names an identity twice
 * waits for the next commit, which then sees what became of the first.
 */
export class ChangeBatch {
  readonly #record: ChannelRecord;
  readonly #leaves: ReadonlyMap<string, number>;
  readonly #identities = new Set<string>();
  readonly #add: Uint8Array[] = [];
  readonly #replace: Uint8Array[] = [];
  readonly #remove: number[] = [];
  readonly #notes: AdmissionNote[] = [];
  #rotate = false;
  #extensions: readonly GroupExtension[] | undefined;
  #isEmpty = true;

  constructor(record: ChannelRecord) {
    this.#record = record;
    this.#leaves = new Map(groupMembers(record.group).map(({ identity, leaf }) => [toHex(identity), leaf]));
  }

  /** What has been taken so far. */
  get change(): LeafChange {
    return {
      add: this.#add,
      replace: this.#replace,
      remove: this.#remove,
      rotate: this.#rotate,
      extensions: this.#extensions,
      notes: this.#notes,
    };
  }

  /**
   * Takes a change if it goes together with those that were taken before. False if it has to wait.
   *
   * @throws {@link MlsError} `invalid_key_package`; {@link ChannelError} `not_found`: the change is bad by itself
   */
  async take(
    change: GroupChange,
    engine: MlsEngine,
    nowMs: number,
    notes: readonly AdmissionNote[] = [],
  ): Promise<boolean> {
    const { add = [], replace = [], remove = [], rotate = false, extensions } = change;
    // Extensions change alone: a commit that removes somebody as well is refused by everybody.
    if (this.#extensions !== undefined || (extensions !== undefined && !this.#isEmpty)) return false;
    const keyPackages = [...add, ...replace];
    const comers = await Promise.all(keyPackages.map((keyPackage) => readKeyPackage(engine, keyPackage, nowMs)));
    const identities = [...comers.map(({ identity }) => identity), ...remove].map(toHex);
    const leaves = remove.map((identity) => this.#leafOf(identity));
    const taken = this.#add.length + this.#replace.length;
    if (taken > 0 && taken + comers.length > MAX_ADDS) return false;
    if (identities.some((identity) => this.#identities.has(identity))) return false;
    for (const identity of identities) this.#identities.add(identity);
    this.#add.push(...add);
    this.#replace.push(...replace);
    this.#remove.push(...leaves);
    this.#notes.push(...notes);
    this.#rotate ||= rotate;
    this.#extensions = extensions;
    this.#isEmpty = false;
    return true;
  }

  #leafOf(identity: Uint8Array): number {
    const leaf = this.#leaves.get(toHex(identity));
    if (leaf === undefined) throw new ChannelError('not_found', `no member of ${this.#record.name} has this identity`);
    return leaf;
  }
}
