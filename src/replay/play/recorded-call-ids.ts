import type { CallIds } from '../../actors/channel/index.ts';
import { toHex } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import type { Tape } from '../tape/tape.ts';
import { commandsOf } from '../tape/tape-command.ts';

const ID_BYTES = 16;

/** The ids that the requests of a recorded channel had, in order: so the recorded replies are to them. */
export class RecordedCallIds implements CallIds {
  readonly #random: Random;
  readonly #known = new Set<string>();
  readonly #next: Uint8Array[] = [];

  constructor(tape: Tape, random: Random) {
    this.#random = random;
    for (const { request } of commandsOf(tape)) {
      // A further try has the id of the first one.
      if (request === undefined || this.#known.has(toHex(request))) continue;
      this.#known.add(toHex(request));
      this.#next.push(request);
    }
  }

  create(): Uint8Array {
    return this.#next.shift() ?? this.#random.bytes(ID_BYTES);
  }

  isOwn(id: Uint8Array): boolean {
    return this.#known.has(toHex(id));
  }
}
