import { applyGroupDelta, decodeGroup, encodeGroup, groupDelta } from '../../src/mls/index.ts';
import type { Group, MlsEngine } from '../../src/mls/index.ts';

/** A group as a store keeps it: whole, and then what has changed since. */
export class GroupLog {
  readonly #engine: MlsEngine;
  #head: Uint8Array;
  #deltas: Uint8Array[] = [];
  #current: Group;

  constructor(engine: MlsEngine, group: Group) {
    this.#engine = engine;
    this.#head = encodeGroup(group);
    this.#current = group;
  }

  /** The value that was written or restored last. */
  get current(): Group {
    return this.#current;
  }

  write(group: Group): void {
    const delta = groupDelta(this.#current, group);
    if (delta === undefined) {
      this.#head = encodeGroup(group);
      this.#deltas = [];
    } else {
      this.#deltas.push(delta);
    }
    this.#current = group;
  }

  restore(): Group {
    let group = decodeGroup(this.#engine, this.#head);
    for (const delta of this.#deltas) group = applyGroupDelta(this.#engine, group, delta);
    this.#current = group;
    return group;
  }
}
