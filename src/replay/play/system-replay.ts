import { type Observable, Subject } from 'rxjs';
import type { ActorSnapshot, InspectionEvent } from '../../actors/index.ts';
import { RuntimeError } from '../../base/errors.ts';
import { letGoOn } from '../world/quiet.ts';
import { VirtualClock } from '../world/virtual-clock.ts';
import type { Tape } from '../tape/tape.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { startOf } from '../tape/tape-start.ts';
import { passTime } from './tape-time.ts';
import { fromTapeValue } from '../tape/tape-value.ts';

/** What has happened in a system of actors, again: for those who watch systems. Nothing is computed, and no actor runs. */
export class SystemReplay {
  readonly tape: Tape;
  /** The actors that there were when the recording began. */
  readonly actors: readonly ActorSnapshot[];
  /** What happened, as {@link ActorSystem.inspect$} has told it; texts of errors as far as they were kept. Completes at the end. */
  readonly inspect$: Observable<InspectionEvent>;
  /** The time of the tape. */
  readonly clock: VirtualClock;
  readonly #events = new Subject<InspectionEvent>();
  #position = 0;

  constructor(tape: Tape) {
    this.tape = tape;
    ({ actors: this.actors } = startOf(tape) as { readonly actors: readonly ActorSnapshot[] });
    this.clock = new VirtualClock(tape.header.startedAtMs);
    this.inspect$ = this.#events.asObservable();
  }

  /** The record that comes next; `undefined` at the end. */
  get next(): TapeRecord | undefined {
    return this.tape.records[this.#position];
  }

  /** Plays what is left. Returns how many records of the tape were played in all. */
  async play(): Promise<number> {
    await this.runUntil(() => false);
    this.#events.complete();
    return this.#position;
  }

  /** Plays until `condition` holds for the record that comes next. */
  async runUntil(condition: (next: TapeRecord) => boolean): Promise<void> {
    for (let record = this.next; record !== undefined && !condition(record); record = this.next) {
      passTime(this.clock, record.atMs);
      this.#position += 1;
      if (record.kind === 'inspected') this.#events.next(fromTapeValue(record.value) as InspectionEvent);
    }
    await letGoOn();
  }
}

/**
 * A system of actors from a tape. Subscribe to it, then let it play.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a tape of a channel, `tape_damaged`
 *
 * @example
 * const run = replaySystem(await readTape('night.tape'));
 * run.inspect$.pipe(filter(({ kind }) => kind === 'crashed')).subscribe(console.log);
 * await run.play();
 */
export function replaySystem(tape: Tape): SystemReplay {
  const { mode } = tape.header;
  if (mode !== 'system') {
    throw new RuntimeError('invalid_argument', `Expected a tape of a system, got one of a channel, of mode ${mode}.`);
  }
  return new SystemReplay(tape);
}
