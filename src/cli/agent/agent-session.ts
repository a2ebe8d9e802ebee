import type { ClientChannel, SkytaleClient } from '../../client/index.ts';
import { OpenChannel } from './open-channel.ts';

/** Options of an {@link AgentSession}. */
export interface AgentSessionOptions {
  readonly client: SkytaleClient;
  /** Told how many messages could not be kept for a later `tail`. */
  readonly onSkipped: (channel: string, messages: number) => void;
}

/** An agent that is open in this process, and the channels that commands have opened of it. */
export class AgentSession {
  readonly client: SkytaleClient;
  readonly #onSkipped: AgentSessionOptions['onSkipped'];
  readonly #channels = new Map<string, OpenChannel>();

  constructor({ client, onSkipped }: AgentSessionOptions) {
    this.client = client;
    this.#onSkipped = onSkipped;
  }

  /** Opens a channel that the agent is in. Commands of one session share it. */
  async open(name: string): Promise<OpenChannel> {
    return this.adopt(await this.client.openChannel(name));
  }

  /** As {@link AgentSession.open}, for a command that reads it at once. */
  async openToRead(name: string): Promise<OpenChannel> {
    return this.#opened(await this.client.openChannel(name));
  }

  /** A channel that was just created or joined. */
  adopt(channel: ClientChannel): OpenChannel {
    const opened = this.#opened(channel);
    opened.keep();
    return opened;
  }

  #opened(channel: ClientChannel): OpenChannel {
    const known = this.#channels.get(channel.name);
    if (known?.channel$ === channel.channel$) return known;
    const opened = new OpenChannel(channel, (messages) => this.#onSkipped(channel.name, messages));
    this.#channels.set(channel.name, opened);
    return opened;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
