import { NEVER, Observable } from 'rxjs';
import {
  type ChannelCore,
  type ChannelEvent,
  type ChannelFigures,
  ChannelOutput,
  type ChannelState,
  deferred,
  TapSwitch,
} from '../../actors/channel/index.ts';
import type { Clock } from '../../base/clock.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { letGoOn } from '../world/quiet.ts';
import type { Comparison } from './comparison.ts';
import { FaultyShowing } from './faulty-showing.ts';
import { LiveDesk, type Settlement } from './live-desk.ts';
import type { Player } from './player.ts';
import type { Tape } from '../tape/tape.ts';
import type { TapeFaultBoard } from './tape-fault.ts';
import type { TapeRecord } from '../tape/tape-record.ts';
import { startOf } from '../tape/tape-start.ts';
import { fromTapeValue } from '../tape/tape-value.ts';

/** Shows what a channel has shown. Nothing is decrypted; what the code under test asks for is found on the tape. */
export class PlaintextPlayer implements Player, ChannelCore {
  readonly core: ChannelCore = this;
  readonly desk: LiveDesk;
  readonly output: ChannelOutput;
  /** Identity of whose channel it was. */
  readonly self: Uint8Array;
  readonly joinRequests$: Observable<never> = NEVER;
  readonly ended: SkytaleError | undefined = undefined;
  readonly #end = deferred<undefined>();
  readonly done: Promise<undefined> = this.#end.promise;
  readonly #comparison: Comparison;
  readonly #showing: FaultyShowing;

  constructor(tape: Tape, clock: Clock, comparison: Comparison, board: TapeFaultBoard, silence: 'allow' | 'fail') {
    const { state, self } = startOf(tape) as { readonly state: ChannelState; readonly self: Uint8Array };
    this.self = self;
    this.output = new ChannelOutput({ ...state, cause: state.cause }, clock, new TapSwitch());
    this.#comparison = comparison;
    this.#showing = new FaultyShowing(this.output, board);
    this.desk = new LiveDesk(tape, this.output, { comparison, board, silence, stop: () => this.#stop() });
  }

  get figures(): ChannelFigures {
    const { received, crashes, faults, lastFault } = this.output.tally;
    return {
      depth: 0,
      capacity: 1,
      oldestSinceMs: undefined,
      unhandled: 0,
      isSlow: this.desk.isHeld,
      sent: 0,
      received,
      crashes,
      faults,
      lastFault,
    };
  }

  dueAtMs(record: TapeRecord): number {
    return this.#showing.dueAtMs(record);
  }

  play(record: TapeRecord): Promise<number> | number {
    const { kind, value } = record;
    switch (kind) {
      case 'emitted':
        this.#showing.event(fromTapeValue(value) as ChannelEvent, record);
        break;
      case 'state':
        this.#showing.state(fromTapeValue(value) as Partial<ChannelState>, record);
        break;
      case 'send':
      case 'commit':
      case 'leave':
        // The code under test is about to ask for it, if it asks for anything: what it waits for comes behind.
        return this.desk.isAhead(record) ? letGoOn().then(() => 1) : 1;
      case 'settled': {
        const { number, ...settlement } = fromTapeValue(value) as { readonly number: number } & Partial<
          Record<'value' | 'error', unknown>
        >;
        this.desk.settle(
          number,
          'error' in settlement ? { error: settlement.error } : ({ value: settlement.value } satisfies Settlement),
        );
        break;
      }
      default:
        break;
    }
    return 1;
  }

  settled(): Promise<void> {
    return letGoOn();
  }

  end(): Promise<void> {
    this.#showing.end();
    this.#comparison.conclude();
    this.#stop();
    return Promise.resolve();
  }

  stopNow(): void {
    this.#stop();
  }

  #stop(): void {
    this.output.setStatus('stopped');
    this.output.complete();
    this.desk.close();
    this.#end.resolve(undefined);
  }
}
