import type { ChannelName } from '../../base/channel-name.ts';
import { toSkytaleError } from '../../base/errors.ts';
import type { ClientChannel } from '../client-channel.ts';
import type { SkytaleClient } from '../skytale-client.ts';
import { ManagedChannel, type ShelfOptions } from './managed-channel.ts';

/** The channels that a manager has open, by name. */
export class ChannelShelf {
  readonly #client: SkytaleClient;
  readonly #options: ShelfOptions;
  readonly #channels = new Map<string, ManagedChannel>();
  /** Those that are being opened right now, so that two calls do not open one twice. */
  readonly #opening = new Map<string, Promise<ManagedChannel>>();

  constructor(client: SkytaleClient, options: ShelfOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Opens what earlier runs have left. One that does not open is told of, and is no reason for the others not to. */
  async openAll(): Promise<void> {
    const names = await this.#client.channels();
    await Promise.all(
      names.map((name) =>
        this.#open(name).catch((error: unknown) =>
          this.#options.tell({ kind: 'open-failed', channel: name, error: toSkytaleError(error) }),
        ),
      ),
    );
  }

  /** Puts a channel that was made or joined there, and starts it. */
  async add(channel: ClientChannel): Promise<ManagedChannel> {
    // A membership that is over may have stood here.
    await this.#channels.get(channel.name)?.inbox.stop();
    const managed = new ManagedChannel(channel, this.#options);
    this.#channels.set(channel.name, managed);
    managed.start();
    return managed;
  }

  /** Whether this agent is in the channel. */
  async has(name: ChannelName): Promise<boolean> {
    if (this.#channels.get(name)?.isLeft === true) return false;
    return (await this.#client.channels()).includes(name);
  }

  /** Whether this agent is in the channel, and can go on there. If so, the channel is open. */
  async isUsable(name: ChannelName): Promise<boolean> {
    if (!(await this.has(name))) return false;
    const { channel } = await this.get(name);
    // Those two end a membership; only a new one helps.
    return !['stuck', 'rolled-back', 'removed'].includes(channel.channel$.status$.value);
  }

  /**
   * The channel of this name. One that has ended for a reason that may have passed is opened once more.
   *
   * @throws {@link ChannelError} `not_found` if this agent is not in it
   */
  get(name: ChannelName): Promise<ManagedChannel> {
    const managed = this.#channels.get(name);
    if (managed === undefined || managed.needsReopening) return this.#open(name);
    return Promise.resolve(managed);
  }

  /** Names of the channels that this agent is in. */
  async names(): Promise<string[]> {
    const names = await this.#client.channels();
    return names.filter((name) => this.#channels.get(name)?.isLeft !== true).sort();
  }

  /** Keeps what was not received for the next run. */
  async close(): Promise<void> {
    await Promise.all([...this.#channels.values()].map(({ inbox }) => inbox.stop()));
  }

  #open(name: string): Promise<ManagedChannel> {
    const opening = this.#opening.get(name) ?? this.#reopen(name).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  async #reopen(name: string): Promise<ManagedChannel> {
    await this.#channels.get(name)?.close();
    this.#channels.delete(name);
    return this.add(await this.#client.openChannel(name));
  }
}
