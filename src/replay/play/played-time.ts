import type { Clock } from '../../base/clock.ts';
import type { WireScript } from './wire-script.ts';

/** Something that waits for a moment. */
interface Waiting {
  readonly moment: number;
  readonly go: () => void;
}

/**
 * Where a replay is, and what waits for it to get on: timers that fire and writes that end at the moments when they did while it was
 * recorded. Moments are counted by how often the actor has looked whether a write has ended; nothing finer can be noticed.
 */
export class PlayedTime implements Clock {
  readonly #script: WireScript;
  #nowMs: number;
  #turn = 0;
  #moment = 0;
  #timers = 0;
  #waiting: Waiting[] = [];
  #isOver = false;

  constructor(script: WireScript, startMs: number) {
    this.#script = script;
    this.#nowMs = startMs;
  }

  /** Turns of the actor that have begun. */
  get turn(): number {
    return this.#turn;
  }

  /** What the clock has told last, or the beginning of the turn. */
  get latestMs(): number {
    return this.#nowMs;
  }

  /** The next read of the clock that is on the tape. */
  now(): number {
    this.#nowMs = this.#script.now(this.#turn) ?? this.#nowMs;
    return this.#nowMs;
  }

  schedule(_delayMs: number, task: () => void): () => void {
    this.#timers += 1;
    const end = this.#script.timer(this.#timers);
    let isCancelled = false;
    if (end !== undefined) this.at(end.moment, () => !isCancelled && task());
    return () => (isCancelled = true);
  }

  /** Calls `go` at this moment, soon if it is past. */
  at(moment: number, go: () => void): void {
    if (this.#isOver || moment <= this.#moment) queueMicrotask(go);
    else this.#waiting.push({ moment, go });
  }

  /** The next turn begins. */
  advance(nowMs: number): void {
    this.#turn += 1;
    this.#nowMs = nowMs;
  }

  /** The actor looks: the next moment has come. Before the first turn of the tape there are none. */
  looking(): void {
    if (this.#turn === 0) return;
    this.#moment += 1;
    this.#release(({ moment }) => moment <= this.#moment);
  }

  /** The tape is over: nothing waits any longer. */
  end(): void {
    this.#isOver = true;
    this.#release(() => true);
  }

  #release(isDue: (waiting: Waiting) => boolean): void {
    const due = this.#waiting.filter(isDue);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { go } of due) queueMicrotask(go);
  }
}
