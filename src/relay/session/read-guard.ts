import type { ChannelName } from '../../base/channel-name.ts';
import type { AccountId } from '../access/index.ts';
import type { ReadGuard } from '../delivery/subscription.ts';
import type { Access, AccessChange, LogEngine } from '../engine/log-engine.ts';

/** What comes of the engine's word on a reader. */
export interface ReadGuardOutlet {
  /** The guard has opened. */
  opened(): void;
  /** The account may not read the channel. The last call. */
  denied(): void;
  /** The engine cannot be asked. The last call. */
  failed(error: unknown): void;
}

/**
 * Stands between one subscription and a channel, for an account. It opens for a member. It opens for a channel that
 * nobody has claimed, too, but then asks again whenever the log has grown and whenever a page was read: an entry may be
 * the one that claims the channel for somebody else, and must not be delivered before that is known to be not so.
 */
export class AccountReadGuard implements ReadGuard {
  readonly #engine: LogEngine;
  readonly #channel: ChannelName;
  readonly #account: AccountId;
  readonly #outlet: ReadGuardOutlet;
  /** `undefined` while the engine is asked. */
  #access: Access | undefined;
  /** Counts the questions: only the answer to the last one is worth something. */
  #asked = 0;

  constructor(engine: LogEngine, channel: ChannelName, account: AccountId, outlet: ReadGuardOutlet) {
    this.#engine = engine;
    this.#channel = channel;
    this.#account = account;
    this.#outlet = outlet;
  }

  get isOpen(): boolean {
    return this.#access === 'member' || this.#access === 'unclaimed';
  }

  grown(): void {
    if (this.#access === 'unclaimed') void this.ask();
  }

  /** The channel's members have changed: this account was taken out, or somebody has claimed what was nobody's. */
  changed({ kind, account }: AccessChange): void {
    if (this.#access !== 'member' || (kind === 'expelled' && account === this.#account)) void this.ask();
  }

  confirm(): Promise<boolean> {
    return this.#access === 'member' ? Promise.resolve(true) : this.ask();
  }

  /** Closes until the engine has said how the account stands to the channel now. True if the guard is open then. */
  async ask(): Promise<boolean> {
    this.#asked += 1;
    const question = this.#asked;
    this.#access = undefined;
    try {
      const access = await this.#engine.access(this.#channel, this.#account);
      if (question !== this.#asked) return false; // whoever asked later has closed it again
      this.#access = access;
      if (this.isOpen) this.#outlet.opened();
      else this.#outlet.denied();
    } catch (error) {
      if (question === this.#asked) this.#outlet.failed(error);
    }
    return this.isOpen;
  }
}
