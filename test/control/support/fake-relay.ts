import type { NoticeTopic, RelayOperations, WithdrawnKey } from '../../../src/control/index.ts';

/** A relay that notes what it is told. */
export class FakeRelay implements RelayOperations {
  readonly notices: { readonly channel: string; readonly topic: NoticeTopic }[] = [];
  readonly expulsions: { readonly channel: string; readonly account: string }[] = [];
  /** Each list that was told, in order. */
  readonly withdrawals: (readonly WithdrawnKey[])[] = [];
  readonly messages: Map<string, number> = new Map();
  /** Thrown by every operation while it is set. */
  failure: Error | undefined;

  async announce(channel: string, topic: NoticeTopic): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.notices.push({ channel, topic });
  }

  async usage(account: string): Promise<{ readonly messages: number }> {
    if (this.failure !== undefined) throw this.failure;
    return { messages: this.messages.get(account) ?? 0 };
  }

  async expel(channel: string, account: string): Promise<boolean> {
    if (this.failure !== undefined) throw this.failure;
    this.expulsions.push({ channel, account });
    return true;
  }

  async withdrawKeys(keys: readonly WithdrawnKey[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.withdrawals.push(keys);
  }
}
