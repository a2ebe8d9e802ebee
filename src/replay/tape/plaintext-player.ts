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
import type { Comparison } from './comparison.ts';
import { LiveDesk, type Settlement } from './live-desk.ts';
import type { Player } from './player.ts';
import type { Tape } from './tape.ts';
import type { TapeRecord } from './tape-record.ts';
import { startOf } from './tape-start.ts';
import { fromTapeValue } from './tape-value.ts';

/** Shows what a channel has shown. Nothing is decrypted; what the code under test asks for is found on the tape. */
export class PlaintextPlayer implements Player, ChannelCore {
  readonly core: ChannelCore = this;
  readonly desk: LiveDesk;
  readonly output: ChannelOutput;
  readonly joinRequests$: Observable<never> = NEVER;
  readonly ended: SkytaleError | undefined = undefined;
  readonly #end = deferred<undefined>();
  readonly done: Promise<undefined> = this.#end.promise;
  readonly #comparison: Comparison;

  constructor(tape: Tape, clock: Clock, comparison: Comparison) {
    const { state } = startOf(tape) as { readonly state: ChannelState };
    this.output = new ChannelOutput({ ...state, cause: state.cause }, clock, new TapSwitch());
    this.#comparison = comparison;
    this.desk = new LiveDesk(tape, this.output, comparison, () => this.#stop());
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

  play({ kind, value }: TapeRecord): Promise<number> | number {
    switch (kind) {
      case 'emitted': {
        this.#show(fromTapeValue(value) as ChannelEvent);
        break;
      }
      case 'state': {
        const change = fromTapeValue(value) as Partial<ChannelState>;
        this.output.change((state) => ({ ...state, cause: undefined, ...change }));
        break;
      }
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
    return Promise.resolve();
  }

  end(): Promise<void> {
    this.#comparison.conclude();
    this.#stop();
    return Promise.resolve();
  }

  stopNow(): void {
    this.#stop();
  }

  #show(event: ChannelEvent): void {
    if ('seq' in event) this.output.change((state) => (event.seq > state.seq ? { ...state, seq: event.seq } : state));
    this.output.emit([event]);
  }

  #stop(): void {
    this.output.setStatus('stopped');
    this.output.complete();
    this.desk.close();
    this.#end.resolve(undefined);
  }
}
