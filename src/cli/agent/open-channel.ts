import { filter, firstValueFrom, takeUntil } from 'rxjs';
import type { Channel, ChannelState, Consumption, MessageHandler } from '../../actors/channel/index.ts';
import { ChannelError, type SkytaleError, TransportError } from '../../base/errors.ts';
import { type Clock, sleepUnlessAborted } from '../../base/clock.ts';
import type { ClientChannel } from '../../client/index.ts';
import { fromSignal } from '../../streams/index.ts';
import { keepUnread } from './unread.ts';

/** A channel that commands use: read by one of them at a time, and otherwise kept for the next reader. */
export class OpenChannel {
  readonly client: ClientChannel;
  readonly #onSkipped: (messages: number) => void;
  #keeper: Consumption | undefined;
  #isRead = false;

  constructor(client: ClientChannel, onSkipped: (messages: number) => void) {
    this.client = client;
    this.#onSkipped = onSkipped;
  }

  get channel$(): Channel {
    return this.client.channel$;
  }

  get state(): ChannelState {
    return this.channel$.state$.value;
  }

  /** Keeps messages for the next reader, unless there is one now. */
  keep(): void {
    if (this.#isRead || isEnd(this.state)) return;
    this.#keeper ??= keepUnread(this.channel$, this.#onSkipped);
  }

  /**
   * Hands messages to `handler` until the returned function is called, as {@link Channel.consume}.
   *
   * @throws {@link ChannelError} `bad_request` if another command is reading
   */
  async read(handler: MessageHandler): Promise<() => Promise<void>> {
    if (this.#isRead) {
      throw new ChannelError(
        'bad_request',
        `another command of this agent reads ${this.client.name}; give this one an identity of its own (--identity)`,
      );
    }
    this.#isRead = true;
    await this.#keeper?.stop();
    this.#keeper = undefined;
    const consumption = this.channel$.consume(handler);
    return async () => {
      await consumption.stop();
      this.#isRead = false;
      this.keep();
    };
  }

  /** Resolves when this agent is no member any more; rejects with what else ended the channel. */
  async over(): Promise<void> {
    // The last state stays, also behind the end of the stream.
    const { state$ } = this.channel$;
    const state = await firstValueFrom(state$.pipe(filter(isEnd)), { defaultValue: state$.value });
    if (state.status !== 'removed') throw endError(state);
  }

  /**
   * Waits until everything that was in the log is read.
   *
   * @throws {@link TransportError} `connection_error` if that takes longer than `timeoutMs`; what ended the channel, if it did
   */
  async live(clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<ChannelState> {
    this.channel$.connect();
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const late = sleepUnlessAborted(clock, timeoutMs, either).then((isLate) => {
      if (isLate) over.abort(this.#lateError(timeoutMs));
    });
    try {
      const settled$ = this.channel$.state$.pipe(
        filter((state) => state.status === 'live' || isEnd(state)),
        takeUntil(fromSignal(either)),
      );
      const state = await firstValueFrom(settled$, { defaultValue: undefined });
      if (state === undefined) throw either.reason;
      if (state.status === 'live') return state;
      throw endError(state);
    } finally {
      over.abort();
      await late;
    }
  }

  #lateError(timeoutMs: number): TransportError {
    const { name, status, cause } = this.state;
    const detail = `${name} is not up to date after ${timeoutMs / 1000} s (${status})`;
    return new TransportError('connection_error', cause === undefined ? detail : `${detail}: ${cause.message}`, {
      cause,
    });
  }
}

function endError({ name, status, cause }: ChannelState): SkytaleError {
  if (cause !== undefined) return cause;
  const detail = status === 'removed' ? `this agent is no member of ${name} any more` : `${name} is ${status}`;
  return new ChannelError('channel_closed', detail);
}

/** Whether nothing more will come. */
function isEnd({ status }: ChannelState): boolean {
  return (
    status === 'removed' ||
    status === 'refused' ||
    status === 'stuck' ||
    status === 'rolled-back' ||
    status === 'stopped'
  );
}
