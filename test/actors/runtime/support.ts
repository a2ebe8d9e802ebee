import type { Observable } from 'rxjs';
import { onTestFinished } from 'vitest';
import {
  type ActorSystem,
  type AnyRef,
  type Crash,
  createSystem,
  type DeadLetter,
  type Lifecycle,
} from '../../../src/actors/index.ts';
import { yieldTurn } from '../../../src/streams/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A system whose time stands still, with all that it tells. Shut down when the test has finished. */
export interface TestSystem {
  readonly system: ActorSystem;
  readonly clock: ManualClock;
  readonly crashes: readonly Crash[];
  readonly deadLetters: readonly DeadLetter[];
  /** Lets actors handle what is there, as far as no time must pass. */
  readonly settle: () => Promise<void>;
  /** Lets time pass, then {@link TestSystem.settle}. */
  readonly advance: (ms: number) => Promise<void>;
}

export function startTestSystem(): TestSystem {
  const clock = new ManualClock();
  const crashes: Crash[] = [];
  const deadLetters: DeadLetter[] = [];
  // Always the longest delay, so that advancing by the maximum is enough for each.
  const random = { bytes: (length: number) => new Uint8Array(length), fraction: () => 0.999 };
  const system = createSystem({ clock, random, onCrash: (crash) => crashes.push(crash) });
  system.deadLetters$.subscribe((letter) => deadLetters.push(letter));
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await yieldTurn();
  };
  onTestFinished(async () => {
    const end = system.shutdown({ deadlineMs: 0 });
    await settle();
    await end;
  });
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  return { system, clock, crashes, deadLetters, settle, advance };
}

/** What a stream gives, with its end as `'end'`. */
export function collect<T>(stream$: Observable<T>): (T | 'end')[] {
  const seen: (T | 'end')[] = [];
  stream$.subscribe({ next: (value) => seen.push(value), complete: () => seen.push('end') });
  return seen;
}

/** The kinds of an actor's states from now on. */
export function lives(ref: AnyRef): Lifecycle['kind'][] {
  const kinds: Lifecycle['kind'][] = [];
  ref.lifecycle$.subscribe(({ kind }) => kinds.push(kind));
  return kinds;
}

/** A promise and the means to settle it. */
export function deferred<T = undefined>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  return { promise, resolve, reject };
}
