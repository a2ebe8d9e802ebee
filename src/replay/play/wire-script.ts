import type { TapeRecord } from '../tape/tape-record.ts';
import { fromTapeValue, type Json } from '../tape/tape-value.ts';

type AnswerKind = 'bytes' | 'fraction' | 'loaded' | 'staged' | 'proposed';

/** When something ends, and how. */
export interface ScriptedEnd {
  /** How often the actor has looked by then whether a write has ended. */
  readonly moment: number;
  readonly error?: Error;
}

/** What the ports of a recorded channel have answered, in the order in which they will be asked again. */
export class WireScript {
  readonly #nows: number[][] = [[]];
  readonly #timers = new Map<number, ScriptedEnd>();
  readonly #saves = new Map<number, ScriptedEnd>();
  readonly #answers: Readonly<Record<AnswerKind, Json[]>> = {
    bytes: [],
    fraction: [],
    loaded: [],
    staged: [],
    proposed: [],
  };
  readonly turns: number;

  constructor(records: readonly TapeRecord[]) {
    let turn = 0;
    for (const { kind, value } of records) {
      if (kind === 'turn') {
        turn += 1;
        this.#nows.push([]);
      } else if (kind === 'now') this.#nows[turn]?.push(value as number);
      else if (kind === 'timer' || kind === 'saved') {
        const { number, ...end } = fromTapeValue(value) as ScriptedEnd & { readonly number: number };
        (kind === 'timer' ? this.#timers : this.#saves).set(number, end);
      } else if (Object.hasOwn(this.#answers, kind)) this.#answers[kind as AnswerKind].push(value);
    }
    this.turns = turn;
  }

  /** The next read of the clock in this turn, if there is a further one. */
  now(turn: number): number | undefined {
    return this.#nows[turn]?.shift();
  }

  timer(number: number): ScriptedEnd | undefined {
    return this.#timers.get(number);
  }

  save(number: number): ScriptedEnd | undefined {
    return this.#saves.get(number);
  }

  /** The next answer of this kind; `undefined` if there is no further one. */
  next(kind: AnswerKind): unknown {
    return fromTapeValue(this.#answers[kind].shift());
  }
}
