import type { ClientChannel } from '../client-channel.ts';
import { ChannelInbox, type ChannelInboxOptions, hasEnded } from './channel-inbox.ts';

/** What a manager keeps channels with. */
export interface ShelfOptions extends ChannelInboxOptions {
  /** Whether messages are kept before anybody has called `receive`. */
  readonly listens: boolean;
}

/** A channel that a manager has open, with what its others say. */
export class ManagedChannel {
  readonly channel: ClientChannel;
  readonly inbox: ChannelInbox;

  readonly #listens: boolean;

  constructor(channel: ClientChannel, options: ShelfOptions) {
    this.channel = channel;
    this.#listens = options.listens;
    this.inbox = new ChannelInbox(channel.channel$, options);
  }

  /** Whether this agent is not in the channel any more. */
  get isLeft(): boolean {
    return this.channel.channel$.status$.value === 'removed';
  }

  /** Whether opening the channel once more may get it to move again. */
  get needsReopening(): boolean {
    return hasEnded(this.channel.channel$.status$.value) && !this.isLeft;
  }

  /** Starts the flow, and keeps what others say. */
  start(): void {
    this.channel.channel$.connect();
    // There is nothing to hear on a channel that this agent has left.
    if (this.#listens && !this.isLeft) this.inbox.start();
  }

  async close(): Promise<void> {
    await this.inbox.stop();
    await this.channel.close();
  }
}
