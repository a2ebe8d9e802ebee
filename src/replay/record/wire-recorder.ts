import type {
  ChannelEvent,
  ChannelState,
  ChannelTap,
  ChannelTurn,
  Outcome,
  PortOutcome,
  TapStart,
} from '../../actors/channel/index.ts';
import { encodeChannel, encodeGroup, type MlsEngine, mlsGroupCodec } from '../../mls/index.ts';
import type { OpenWriter } from './plaintext-recorder.ts';
import { recordedEvent } from '../tape/recorded-event.ts';
import { recordedInput } from './recorded-input.ts';
import { payloadDigest } from './redactor.ts';
import type { TapeRecordKind } from '../tape/tape-record.ts';
import { type Json, toTapeValue } from '../tape/tape-value.ts';
import type { TapeWriter } from './tape-writer.ts';

/**
 * Records all that decides what a channel's actor does, and what it shows: who plays it lets the same actor do the same again,
 * with the same ciphertexts and keys.
 */
export class WireRecorder implements ChannelTap {
  readonly #open: OpenWriter;
  readonly #whenEnded: () => void;
  #writer: TapeWriter | undefined;
  #engine: MlsEngine | undefined;
  #now: () => number = () => 0;
  #status: ChannelState['status'] | undefined;

  constructor(open: OpenWriter, whenEnded: () => void) {
    this.#open = open;
    this.#whenEnded = whenEnded;
  }

  get records(): number {
    return this.#writer?.records ?? 0;
  }

  began({ record, engine, clock, state, ...how }: TapStart): void {
    this.#now = () => clock.now();
    this.#engine = engine;
    this.#writer = this.#open(clock.now());
    this.#status = state.status;
    this.#write(
      'start',
      toTapeValue({ ...how, suite: engine.suite, record: encodeChannel(record, mlsGroupCodec(engine)) }),
    );
  }

  turn(turn: ChannelTurn): ChannelTurn {
    const inputs = turn.control.map(recordedInput);
    this.#write('turn', { inputs: inputs.length, sends: turn.user.length });
    for (const input of inputs) this.#write('input', input);
    for (const { payload, header, waiter } of turn.user) {
      this.#write('send', toTapeValue({ payload, header, waits: waiter !== undefined }));
    }
    return turn;
  }

  outcome(outcome: PortOutcome): void {
    switch (outcome.kind) {
      case 'now':
        this.#write('now', outcome.nowMs);
        return;
      case 'bytes':
        this.#write('bytes', toTapeValue(outcome.bytes));
        return;
      case 'fraction':
        this.#write('fraction', outcome.fraction);
        return;
      case 'timer':
        this.#write('timer', { number: outcome.number, moment: outcome.moment });
        return;
      case 'saved':
        this.#write(
          'saved',
          toTapeValue({ number: outcome.number, moment: outcome.moment, ...errorOf(outcome.outcome) }),
        );
        return;
      case 'loaded':
        this.#write(
          'loaded',
          this.#described(outcome.outcome, (record) => ({ record: record && this.#encode(record) })),
        );
        return;
      case 'staged':
        this.#write(
          'staged',
          this.#described(outcome.outcome, ({ next, ...rest }) => ({ ...rest, next: encodeGroup(next) })),
        );
        return;
      case 'proposed':
        this.#write(
          'proposed',
          this.#described(outcome.outcome, ({ group, ...rest }) => ({ ...rest, group: encodeGroup(group) })),
        );
        return;
      case 'stopped-now':
        this.#write('stopped-now');
        return;
    }
  }

  looking(): void {
    // Told with what ends meanwhile.
  }

  /** Enough to see whether it is the same: payloads follow from the ciphertexts. */
  emitted(event: ChannelEvent): void {
    this.#write('emitted', recordedEvent(event, payloadDigest));
  }

  state({ status, cause, epoch }: ChannelState): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#write('state', toTapeValue({ status, cause, epoch }));
  }

  ended(): void {
    this.#write('end');
    this.#whenEnded();
  }

  #encode(record: TapStart['record']): Uint8Array | undefined {
    return this.#engine && encodeChannel(record, mlsGroupCodec(this.#engine));
  }

  #described<T>(outcome: Outcome<T>, describe: (value: T) => object): Json {
    return toTapeValue(outcome.ok ? describe(outcome.value) : errorOf(outcome));
  }

  #write(kind: TapeRecordKind, value?: Json): void {
    this.#writer?.write(kind, this.#now(), value);
  }
}

function errorOf(outcome: Outcome<unknown>): { readonly error?: unknown } {
  return outcome.ok ? {} : { error: outcome.error };
}
