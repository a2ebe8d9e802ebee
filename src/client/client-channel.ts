import type {
  CallOptions,
  Channel,
  ConfirmedReceipt,
  ConfirmedSendOptions,
  SendOptions,
  SendReceipt,
  StopOptions,
} from '../actors/channel/index.ts';
import { checkBytes } from '../base/check.ts';
import { MlsError } from '../base/errors.ts';
import type { Invite, InviteOptions } from './inviter.ts';
import { type MessagesOptions, PayloadIterator } from './payload-iterator.ts';

/** A channel in the terms of the low-level client: bytes in, bytes out. {@link ClientChannel.channel$} is the reactive one. */
export class ClientChannel implements AsyncDisposable {
  /** The same channel as an Observable of messages and an Observer of payloads. */
  readonly channel$: Channel;
  readonly #invite: (options?: InviteOptions) => Promise<Invite>;

  constructor(channel: Channel, invite: (options?: InviteOptions) => Promise<Invite>) {
    this.channel$ = channel;
    this.#invite = invite;
  }

  /** `org/namespace/service`. */
  get name(): string {
    return this.channel$.name;
  }

  /**
   * Adds a member. Returns the Welcome to hand to it, once the change has won its epoch at the relay.
   *
   * @param keyPackage from the new member's `generateKeyPackage()`
   * @throws {@link MlsError} `invalid_key_package` for one that is garbage, expired, or of another cipher suite
   */
  async addMember(keyPackage: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    checkBytes('keyPackage', keyPackage);
    const { welcome } = await this.channel$.commit({ add: [keyPackage.slice()] }, options);
    if (welcome === undefined) throw new MlsError('mls_error', 'the commit that added the member made no Welcome');
    return welcome;
  }

  /**
   * Makes an invite: a token with which others ask to join; starts the flow. A member that is online admits them, by itself or after somebody's
   * approval; while there is none, they wait. An invite ends with its time, its uses, {@link Invite.revoke}, and with the
   * membership of who has made it.
   *
   * @throws {@link AuthError} `api_key_required` without a control plane; {@link ChannelError} `channel_exists` if the control plane
   * has this name for another account; {@link RuntimeError} `invalid_argument`; and what {@link ControlPlane} rejects with
   *
   * @example
   * const client = new SkytaleClient('https://relay.example', './alice', new TextEncoder().encode('alice'), {
   *   apiKey: process.env['SKYTALE_API_KEY'] ?? '',
   *   apiUrl: 'https://api.example',
   * });
   * const channel = await client.createChannel('acme/research/summarizer');
   * const { token } = await channel.invite({ maxUses: 3, ttlSeconds: 600 });
   */
  invite(options?: InviteOptions): Promise<Invite> {
    // Whoever invites wants to be there when somebody comes.
    this.channel$.connect();
    return this.#invite(options);
  }

  /**
   * Removes the member with this identity. It cannot read what is sent from then on.
   *
   * @throws {@link ChannelError} `not_found`
   */
  async removeMember(identity: Uint8Array, options?: CallOptions): Promise<void> {
    checkBytes('identity', identity);
    await this.channel$.commit({ remove: [identity.slice()] }, options);
  }

  /** Encrypts and sends a payload to all members; see {@link Channel.send}. Works while messages are being read. */
  send(payload: Uint8Array, options?: SendOptions): Promise<SendReceipt>;
  send(payload: Uint8Array, options: ConfirmedSendOptions): Promise<ConfirmedReceipt>;
  send(payload: Uint8Array, options?: SendOptions | ConfirmedSendOptions): Promise<SendReceipt> {
    // The two forms are one to whoever passes them on.
    return this.channel$.send(payload, options as SendOptions);
  }

  /**
   * Payloads of incoming messages, as they come. One iteration at a time; the channel stays usable meanwhile.
   *
   * Each message is handed out once, in order. After a crash, one that had been handed out but was still being worked on
   * (no next one had been asked for) is handed out again. Ends when the channel is closed; with the reason of `signal`, when that is
   * aborted.
   *
   * What comes between two iterations is kept for the next one, and when much is kept the relay is asked for no more:
   * see {@link MessagesOptions.afterwards} for who will not iterate again.
   *
   * @throws {@link ChannelError} `bad_request` if the messages are being read already; {@link RuntimeError} `invalid_argument`; the
   * reason of `signal` if it is aborted
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<Uint8Array> {
    return new PayloadIterator(this.channel$, options);
  }

  /** See {@link Channel.stop}. */
  close(options?: StopOptions): Promise<void> {
    return this.channel$.stop(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
