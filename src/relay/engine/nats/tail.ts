import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/transport-node';
import { sleepUnlessAborted } from '../../../base/clock.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { NatsLink } from './nats-link.ts';

/** Where the messages of a {@link Tail} go. */
export interface TailOutlet {
  /** The last message that was taken. */
  position(): number;
  /** The next one. Throwing ends the tail for good. */
  take(position: number, serverMs: number, subject: string, data: Uint8Array): void;
  /** Nothing is at the positions behind the last message and before `next`, and nothing was trimmed there. */
  skip(next: number): void;
  /** Everything that has a snapshot may be trimmed, whoever has not read it yet. */
  snapshotPosition(): Promise<number>;
  /** The last call. */
  failed(error: RuntimeError): void;
  restarted(reason: string): void;
}

const HEARTBEAT_MS = 1000;
const PULL_MS = 10_000;
/** A consumer that nobody reads is gone after this. */
const INACTIVE_MS = 15_000;
const RETRY_MS = 250;
/** After an election the new leader may for a moment not know all that the old one has shown. */
const HISTORY_PATIENCE_MS = 15_000;

/**
 * Reads a stream from a position on, each message once and in order, for as long as it is open. The library's consumer does
 * not promise that over reconnects and elections, so every message is held against its two numbers: the consumer's
 * (nothing was left out on the way) and the stream's (nothing was deleted before it was read). When either has a hole, or
 * the consumer falls silent, a new one begins behind the last message that was taken.
 */
export class Tail {
  readonly #link: NatsLink;
  readonly #stream: string;
  readonly #clock: Clock;
  readonly #outlet: TailOutlet;
  readonly #closing = new AbortController();
  readonly #ahead: number;
  #messages: ConsumerMessages | undefined;
  /** How often in a row the stream ended before what was read of it. */
  #timesBehind = 0;
  readonly #ended: Promise<void>;

  /** @param ahead messages asked for at once: a client for which 64 MiB wait is cut off by the server as too slow */
  constructor(link: NatsLink, stream: string, clock: Clock, ahead: number, outlet: TailOutlet) {
    this.#link = link;
    this.#stream = stream;
    this.#clock = clock;
    this.#ahead = ahead;
    this.#outlet = outlet;
    this.#ended = this.#run();
  }

  /** Begins again behind the last message: what should be there has not come. */
  restart(reason: string): void {
    if (this.#messages === undefined) return;
    this.#outlet.restarted(reason);
    void this.#messages.close();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    void this.#messages?.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#link.up();
      if (this.#hasEnded()) return;
      try {
        await this.#consume();
      } catch (error) {
        if (this.#hasEnded()) return;
        if (error instanceof RuntimeError) {
          this.#outlet.failed(error);
          return;
        }
        this.#outlet.restarted(error instanceof Error ? error.message : String(error));
      }
      await sleepUnlessAborted(this.#clock, RETRY_MS, this.#closing.signal);
    }
  }

  #hasEnded(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Until the consumer has ended. */
  async #consume(): Promise<void> {
    const { manager, client } = this.#link;
    const { state } = await manager.streams.info(this.#stream);
    if (!this.#reachesBack(state.last_seq)) return;
    if (state.first_seq > this.#outlet.position() + 1 && state.last_seq > this.#outlet.position()) {
      await this.#explainLoss(this.#outlet.position() + 1);
      throw new RuntimeError(
        'store_damaged',
        `${this.#stream} begins at ${state.first_seq}, but nothing is known of it from ${this.#outlet.position() + 1} on`,
      );
    }
    const name = `relay-${nuid.next()}`;
    await manager.consumers.add(this.#stream, {
      name,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#outlet.position() + 1,
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    const consumer = await client.consumers.get(this.#stream, name);
    let delivered = 0;
    let hole: number | undefined;
    let failure: unknown;
    const messages = await consumer.consume({
      // Not by bytes: a request whose rest is smaller than the next message ends, and the library then waits for a heartbeat.
      max_messages: this.#ahead,
      idle_heartbeat: HEARTBEAT_MS,
      expires: PULL_MS,
      callback: (message: JsMsg) => {
        if (hole !== undefined || failure !== undefined) return;
        const { streamSequence, deliverySequence, timestampNanos } = message.info;
        delivered += 1;
        if (deliverySequence !== delivered) {
          void messages.close(); // something was left out on the way
          delivered = Number.NaN;
          return;
        }
        if (streamSequence !== this.#outlet.position() + 1) {
          hole = streamSequence;
          void messages.close();
          return;
        }
        try {
          this.#outlet.take(streamSequence, timestampNanos / 1e6, message.subject, message.data);
        } catch (error) {
          failure = error;
          void messages.close();
        }
      },
    });
    this.#messages = messages;
    if (this.#hasEnded()) void messages.close();
    void this.#watch(messages);
    const stopWatching = this.#link.onChange(() => void messages.close());
    const trouble = await messages.closed();
    stopWatching();
    this.#messages = undefined;
    if (this.#link.isUp) void manager.consumers.delete(this.#stream, name).catch(() => undefined); // it ends by itself too
    if (trouble instanceof Error) this.#outlet.restarted(trouble.message);
    if (failure !== undefined) throw asFailure(failure);
    if (hole !== undefined) await this.#cross(hole);
  }

  /** Ends a consumer that has fallen silent, is gone with the server that had it, or has delivered what did not arrive. */
  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      if (this.#messages !== messages) return;
      const { type } = status;
      if (type === 'heartbeats_missed' || type === 'consumer_deleted') this.restart(type);
      // It comes behind what was delivered before.
      const isBehind = type === 'heartbeat' && status.lastStreamSequence > this.#outlet.position();
      if (isBehind) this.restart('messages are missing');
    }
  }

  /** Whether the stream ends where it was read to, or later. */
  #reachesBack(last: number): boolean {
    const position = this.#outlet.position();
    if (last < position) {
      this.#timesBehind += 1;
      if (this.#timesBehind * RETRY_MS < HISTORY_PATIENCE_MS) return false;
      throw new RuntimeError(
        'store_damaged',
        `${this.#stream} ends at ${last}, but ${position} was read from it before`,
      );
    }
    this.#timesBehind = 0;
    return true;
  }

  /** Decides what a hole in the stream is, between the last message that was taken and `next`. */
  async #cross(next: number): Promise<void> {
    const missing = this.#outlet.position() + 1;
    const message = await this.#link.manager.streams.getMessage(this.#stream, { seq: missing });
    if (message !== null) return; // it was left out on the way: a new consumer brings it
    await this.#explainLoss(missing);
    this.#outlet.skip(next);
  }

  /** @throws {@link RuntimeError} `store_error` if what is missing was trimmed before this relay has read it. */
  async #explainLoss(missing: number): Promise<void> {
    if ((await this.#outlet.snapshotPosition()) < missing) return;
    throw new RuntimeError(
      'store_error',
      `this relay has fallen behind what others have trimmed of ${this.#stream}; it has to start again`,
      // Starting again, from the snapshot, helps.
      { cause: new Error(`record ${missing} is only in the snapshot`) },
    );
  }
}

function asFailure(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  return new RuntimeError('runtime_error', 'a record of the log could not be read', { cause: error });
}
