import {
  type ChannelEvent,
  type ChannelState,
  type ChannelTap,
  type ChannelTurn,
  ownIdentity,
  type TapStart,
  type Waiter,
} from '../../actors/channel/index.ts';
import { recordedEvent } from '../tape/recorded-event.ts';
import type { Redactor } from './redactor.ts';
import type { TapeRecordKind } from '../tape/tape-record.ts';
import { type Json, toTapeValue } from '../tape/tape-value.ts';
import type { TapeWriter } from './tape-writer.ts';

/** What a recorder writes with, from the moment on when recording begins. */
export type OpenWriter = (startedAtMs: number) => TapeWriter;

/** Records what a channel shows, and what is asked of it. */
export class PlaintextRecorder implements ChannelTap {
  readonly #open: OpenWriter;
  readonly #redact: Redactor;
  readonly #whenEnded: () => void;
  #writer: TapeWriter | undefined;
  #now: () => number = () => 0;
  #commands = 0;
  #shown: ChannelState | undefined;

  constructor(open: OpenWriter, redact: Redactor, whenEnded: () => void) {
    this.#open = open;
    this.#redact = redact;
    this.#whenEnded = whenEnded;
  }

  get records(): number {
    return this.#writer?.records ?? 0;
  }

  began({ clock, state, record }: TapStart): void {
    this.#now = () => clock.now();
    this.#writer = this.#open(clock.now());
    this.#shown = state;
    this.#write('start', toTapeValue({ state, self: ownIdentity(record) }));
  }

  turn({ control, user }: ChannelTurn): ChannelTurn {
    return {
      control: control.map((message) => {
        if (message.kind === 'commit') {
          const { request } = message;
          const number = this.#command('commit', { change: request.change });
          return { ...message, request: { ...request, waiter: this.#listening(request.waiter, number) } };
        }
        if (message.kind === 'leave') {
          return { ...message, waiter: this.#listening(message.waiter, this.#command('leave', {})) };
        }
        return message;
      }),
      user: user.map((sent) => {
        const { payload, header, waiter } = sent;
        const redacted = this.#redact(payload, { what: 'send', seq: undefined });
        const number = this.#command('send', { payload: redacted, header, waits: waiter !== undefined });
        return waiter === undefined ? sent : { ...sent, waiter: this.#listening(waiter, number) };
      }),
    };
  }

  outcome(): void {
    // Decides what the channel does, which is shown.
  }

  looking(): void {
    // As above.
  }

  emitted(event: ChannelEvent): void {
    this.#write(
      'emitted',
      recordedEvent(event, (payload, seq) => this.#redact(payload, { what: 'emitted', seq })),
    );
  }

  /** Position and number of what is unsettled change with every batch: they are told with what else changes. */
  state(state: ChannelState): void {
    const { status, cause, epoch } = this.#shown ?? {};
    const isNews = status !== state.status || cause !== state.cause || epoch !== state.epoch;
    if (!isNews) return;
    const { members, extensions, epochAuthenticator } = state;
    const { seq, unsettled } = state;
    const change = { status: state.status, cause: state.cause, epoch: state.epoch, seq, unsettled };
    const ofEpoch = epoch === state.epoch ? {} : { members, extensions, epochAuthenticator };
    this.#shown = state;
    this.#write('state', toTapeValue({ ...change, ...ofEpoch }));
  }

  ended(): void {
    this.#write('end');
    this.#whenEnded();
  }

  #command(kind: 'send' | 'commit' | 'leave', value: object): number {
    this.#commands += 1;
    this.#write(kind, toTapeValue({ number: this.#commands, ...value }));
    return this.#commands;
  }

  #listening<T>(waiter: Waiter<T>, number: number): Waiter<T> {
    return {
      resolve: (value) => {
        this.#write('settled', toTapeValue({ number, value }));
        waiter.resolve(value);
      },
      reject: (error) => {
        this.#write('settled', toTapeValue({ number, error }));
        waiter.reject(error);
      },
    };
  }

  #write(kind: TapeRecordKind, value?: Json): void {
    this.#writer?.write(kind, this.#now(), value);
  }
}
