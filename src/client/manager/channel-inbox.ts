import type { Subscription } from 'rxjs';
import type { Channel, ChannelMessage, ChannelStatus, Consumption } from '../../actors/channel/index.ts';
import type { Clock } from '../../base/clock.ts';
import { ChannelError, type SkytaleError, toSkytaleError, TransportError } from '../../base/errors.ts';
import { onAbort } from '../../streams/index.ts';
import type { Envelope } from '../envelope/envelope.ts';
import { decodeEnvelope } from '../envelope/envelope-encoding.ts';
import type { ManagerFault } from './manager-fault.ts';
import { type Delivery, ReceiveBuffer, type ReceiveBufferOptions } from './receive-buffer.ts';

/** An envelope, with where it stands in its channel and how it came. Plain payloads have protocol `raw`. */
export interface ReceivedEnvelope extends Envelope, Omit<ChannelMessage, 'kind' | 'payload' | 'asksFor'> {
  /** `org/namespace/service`. */
  readonly channel: string;
}

/** How long, and for whom, {@link ChannelInbox.receive} waits. */
export interface InboxWait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What a {@link ChannelInbox} works with. */
export interface ChannelInboxOptions {
  readonly clock: Clock;
  readonly buffer: ReceiveBufferOptions;
  /** Whether a lost connection is waited for. */
  readonly heals: boolean;
  readonly tell: (fault: ManagerFault) => void;
}

/** A channel that has come to this moves no further. */
const ENDED: readonly ChannelStatus[] = ['removed', 'refused', 'stuck', 'rolled-back', 'stopped'];

/** Whether a channel that has this status moves no further. */
export function hasEnded(status: ChannelStatus): boolean {
  return ENDED.includes(status);
}

/**
 * What others say on a channel, for whoever calls `receive` now and then: through the delivery journal, so that what was
 * not received when the process ends is received in the next run.
 */
export class ChannelInbox {
  readonly #channel: Channel;
  readonly #options: ChannelInboxOptions;
  readonly #buffer: ReceiveBuffer<ReceivedEnvelope>;
  readonly #wakers = new Set<() => void>();
  readonly #subscription: Subscription;
  #consumption: Consumption | undefined;
  #isReceived = false;
  #isShared = false;
  #isStopped = false;
  #death: TransportError | undefined;

  constructor(channel: Channel, options: ChannelInboxOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#buffer = new ReceiveBuffer(options.buffer);
    this.#subscription = channel.faults$.subscribe({
      next: (fault) => options.tell({ kind: 'channel', channel: channel.name, fault }),
      // A channel's streams never error; if one did, it would end the channel.
      error: () => this.#wake(),
    });
    this.#subscription.add(
      channel.state$.subscribe({
        next: ({ status, cause }) => this.#follow(status, cause),
        error: () => this.#wake(),
        complete: () => this.#wake(),
      }),
    );
  }

  /** Somebody else sees what comes, too. If nobody ever calls {@link ChannelInbox.receive} then, nothing has to wait for that. */
  share(): void {
    this.#isShared = true;
  }

  /**
   * Listens from now on.
   *
   * @throws {@link ChannelError} `bad_request` if the channel has another consumer, `channel_closed`
   */
  start(): void {
    this.#consumption ??= this.#channel.consume((message, signal) => this.#handle(message, signal), {
      concurrency: this.#buffer.width,
    });
  }

  /** Listens no longer, and hears of the channel no more. What waits is for its next consumer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#subscription.unsubscribe();
    this.#wake();
    await this.#release();
  }

  /**
   * All that waits, as soon as something does; nothing after `timeoutMs`. What an earlier call has returned is settled.
   *
   * @throws {@link TransportError} `listener_died`; why the channel has ended, if it has; the signal's reason
   */
  async receive({ timeoutMs, signal }: InboxWait): Promise<readonly ReceivedEnvelope[]> {
    signal?.throwIfAborted();
    this.#isReceived = true;
    this.#buffer.settleTaken();
    if (this.#death !== undefined) throw this.#death;
    if (!this.#isOver) this.start();
    const { clock } = this.#options;
    const deadlineMs = clock.now() + timeoutMs;
    // Another call may have been faster, so one that was woken looks again.
    for (let restMs = timeoutMs; this.#buffer.isEmpty && restMs >= 0; restMs = deadlineMs - clock.now()) {
      if (this.#isOver) break;
      await this.#somethingHappens(restMs, signal);
      signal?.throwIfAborted();
      if (restMs === 0) break;
    }
    if (!this.#buffer.isEmpty) return this.#buffer.take();
    this.#checkAlive();
    return [];
  }

  /** Settles when there is something to receive, when nothing will come any more, and when nobody waits. */
  #somethingHappens(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve) => {
      const end = (): void => {
        if (!this.#wakers.delete(check)) return;
        cancelTimeout();
        ignoreSignal?.();
        resolve();
      };
      const check = (): void => {
        if (!this.#buffer.isEmpty || this.#isOver) end();
      };
      this.#wakers.add(check);
      const cancelTimeout = this.#options.clock.schedule(timeoutMs, end);
      const ignoreSignal = signal && onAbort(signal, end);
    });
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#death !== undefined || hasEnded(this.#channel.status$.value);
  }

  #checkAlive(): void {
    if (this.#death !== undefined) throw this.#death;
    const { cause, name } = this.#channel.state$.value;
    if (this.#isOver) throw cause ?? new ChannelError('channel_closed', `${name} is closed`);
  }

  #handle(message: ChannelMessage, signal: AbortSignal): Promise<void> | undefined {
    const envelope = this.#read(message);
    if (envelope === undefined) return undefined;
    return new Promise((resolve, reject) => {
      const delivery: Delivery<ReceivedEnvelope> = {
        value: envelope,
        seq: message.seq,
        bytes: message.payload.length,
        settle: (outcome) => {
          forget();
          if (outcome === 'handled') resolve();
          else reject(new ChannelError('channel_closed', 'nobody has received the message'));
        },
      };
      // When the channel closes, what was handed out counts as handled, and what was not stays for the next time.
      const forget = onAbort(signal, () => this.#buffer.withdraw(delivery));
      this.#offer(delivery);
    });
  }

  #offer(delivery: Delivery<ReceivedEnvelope>): void {
    const { name: channel } = this.#channel;
    const { dropped, isNowFull } = this.#buffer.push(delivery);
    if (dropped !== undefined) this.#options.tell({ kind: 'dropped', channel, ...dropped });
    if (isNowFull && this.#isShared && !this.#isReceived) this.#stepBack();
    else if (isNowFull) this.#options.tell({ kind: 'buffer-full', channel, messages: this.#buffer.waiting });
    this.#wake();
  }

  /** Whoever has the channel itself has seen all of it, and does not call `receive`. */
  #stepBack(): void {
    const { name: channel } = this.#channel;
    const unclaimed = this.#buffer.giveUp();
    if (unclaimed !== undefined) this.#options.tell({ kind: 'unclaimed', channel, ...unclaimed });
    // Never rejects: handlers end as they are settled.
    void this.#release();
  }

  async #release(): Promise<void> {
    const consumption = this.#consumption;
    this.#consumption = undefined;
    await consumption?.stop();
  }

  #read(message: ChannelMessage): ReceivedEnvelope | undefined {
    const { seq, epoch, sender, phase, receivedAt, redelivered, payload } = message;
    try {
      const arrival = { channel: this.#channel.name, seq, epoch, sender, phase, receivedAt, redelivered };
      return { ...decodeEnvelope(payload), ...arrival };
    } catch (error) {
      const { name: channel } = this.#channel;
      this.#options.tell({ kind: 'malformed-envelope', channel, message, error: toSkytaleError(error) });
      return undefined;
    }
  }

  #follow(status: ChannelStatus, cause: SkytaleError | undefined): void {
    if (status === 'offline' && !this.#options.heals && this.#death === undefined) this.#die(cause);
    if (hasEnded(status)) this.#wake();
  }

  #die(cause: SkytaleError | undefined): void {
    const { name } = this.#channel;
    const detail = `the listener of ${name} has ended, and was told not to heal: close this manager and make another`;
    // What comes all the same is kept, for the manager that is made next.
    this.#death = new TransportError('listener_died', detail, { cause });
    this.#wake();
  }

  #wake(): void {
    for (const waker of [...this.#wakers]) waker();
  }
}
