import type { Clock } from '../../base/clock.ts';
import type { WireScript } from './wire-script.ts';

/** Something that waits for a turn. */
interface Waiting {
  readonly turn: number;
  readonly go: () => void;
}

/**
 * Where a replay is, in turns of the actor, and what waits for it to get on: timers that fire and writes that end when they did
 * while it was recorded.
 */
export class PlayedTime implements Clock {
  readonly #script: WireScript;
  #nowMs: number;
  #turn = 0;
  #timers = 0;
  #waiting: Waiting[] = [];
  #isOver = false;

  constructor(script: WireScript, startMs: number) {
    this.#script = script;
    this.#nowMs = startMs;
  }

  get turn(): number {
    return this.#turn;
  }

  now(): number {
    this.#nowMs = this.#script.now(this.#turn) ?? this.#nowMs;
    return this.#nowMs;
  }

  schedule(_delayMs: number, task: () => void): () => void {
    this.#timers += 1;
    const end = this.#script.timer(this.#timers);
    let isCancelled = false;
    if (end !== undefined) this.at(end.turn, () => !isCancelled && task());
    return () => (isCancelled = true);
  }

  /** Calls `go` in this turn, soon if it has begun. */
  at(turn: number, go: () => void): void {
    if (this.#isOver || turn <= this.#turn) queueMicrotask(go);
    else this.#waiting.push({ turn, go });
  }

  /** The next turn begins. */
  advance(nowMs: number): void {
    this.#turn += 1;
    this.#nowMs = nowMs;
    const due = this.#waiting.filter(({ turn }) => turn <= this.#turn);
    this.#waiting = this.#waiting.filter(({ turn }) => turn > this.#turn);
    for (const { go } of due) go();
  }

  /** The tape is over: nothing waits any longer. */
  end(): void {
    this.#isOver = true;
    for (const { go } of this.#waiting.splice(0)) go();
  }
}
