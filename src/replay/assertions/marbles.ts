import { isDeepStrictEqual } from 'node:util';
import type { Observable } from 'rxjs';
import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { VirtualClock } from '../world/virtual-clock.ts';

/** Options of {@link toMarbles}. */
export interface MarbleOptions<T> {
  /** Milliseconds that are one frame. Default 1. */
  readonly frameMs?: number;
  /** One character for a value. Default `a`, `b`, `c` …, equal values the same. */
  readonly name?: (value: T) => string;
}

/** What happened in a frame. */
interface Frame {
  readonly at: number;
  notes: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** What a stream has done so far, as a marble diagram: see {@link toMarbles}. */
export class Marbles<T> {
  /** The values by their characters, as RxJS's `TestScheduler` takes them. */
  readonly values: Record<string, T> = {};
  /** What the stream has failed with. */
  error: unknown;
  readonly #frames: Frame[] = [];

  /**
   * The diagram, in the syntax of RxJS's `TestScheduler`: `5ms a 93ms (bc) |`, times since the clock began. What has happened in one frame stands in
   * parentheses. Those count as many frames as they have characters, so what follows within these stands right behind them.
   */
  get diagram(): string {
    const parts: string[] = [];
    let frame = 0;
    for (const { at, notes } of this.#frames) {
      const text = notes.length === 1 ? notes : `(${notes})`;
      if (at > frame) parts.push(`${at - frame}ms`);
      parts.push(text);
      frame = Math.max(at, frame) + text.length;
    }
    return parts.join(' ');
  }

  toString(): string {
    return this.diagram;
  }

  /** @internal Something happens. */
  note(at: number, character: string): void {
    const last = this.#frames.at(-1);
    if (last?.at === at) last.notes += character;
    else this.#frames.push({ at, notes: character });
  }

  /** @internal The character of a value that needs one. */
  characterOf(value: T): string {
    const entries = Object.entries(this.values);
    const known = entries.find(([, other]) => isDeepStrictEqual(other, value));
    return known?.[0] ?? LETTERS[entries.length] ?? String.fromCodePoint(0x100 + entries.length);
  }
}

/**
 * Subscribes to a stream, and draws what it does on the clock of a replay or a world: for assertions that one can read.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a `frameMs` that is no positive integer; for a `name` that is not one character, when the value comes, by
 * way of the stream
 *
 * @example
 * const clock = new VirtualClock();
 * const letters$ = of('x', 'y', 'x').pipe(delay(5, schedulerOf(clock)));
 * const marbles = toMarbles(letters$, { clock });
 * while (clock.runNext());
 * assert.equal(marbles.diagram, '5ms (aba|)');
 * assert.deepEqual(marbles.values, { a: 'x', b: 'y' });
 */
export function toMarbles<T>(
  stream$: Observable<T>,
  { clock }: { readonly clock: VirtualClock },
  { frameMs = 1, name }: MarbleOptions<T> = {},
): Marbles<T> {
  checkInteger('frameMs', frameMs, 1);
  const marbles = new Marbles<T>();
  const now = (): number => Math.floor(clock.elapsedMs / frameMs);
  stream$.subscribe({
    next: (value) => {
      const character = name === undefined ? marbles.characterOf(value) : nameOf(value, name);
      marbles.values[character] = value;
      marbles.note(now(), character);
    },
    error: (error: unknown) => {
      marbles.error = error;
      marbles.note(now(), '#');
    },
    complete: () => marbles.note(now(), '|'),
  });
  return marbles;
}

function nameOf<T>(value: T, name: (value: T) => string): string {
  const character = name(value);
  if (character.length === 1 && !' -|#()^!'.includes(character)) return character;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`name\` to give one character, and none of marbles' own, got ${character}.`,
  );
}
