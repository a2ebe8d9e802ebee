import { parseChannelName } from '../../base/channel-name.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { GROUP_BYTES, noticeTopicToWire, refusalToWire, startFromWire } from '../../transport/index.ts';
import type { ClientFrameShape, RefusalReason, ServerFrameInit } from '../../transport/index.ts';
import { scopeText } from '../access/index.ts';
import type { AccountId } from '../access/index.ts';
import type { Chunk } from '../delivery/chunk.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import { Subscription } from '../delivery/subscription.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import type { RelayMetrics } from '../relay-metrics.ts';
import { ConnectionRefusal } from './connection-refusal.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { messageOf } from './publish-intake.ts';
import { AccountReadGuard } from './read-guard.ts';
import type { SessionContext } from './session-context.ts';
import type { Sender } from './token-desk.ts';

/** A `Subscribe` frame as it was decoded. */
export type SubscribeFrame = Extract<ClientFrameShape, { case: 'subscribe' }>['value'];

/** The connection, as its subscriptions see it. */
export interface SubscriptionDeskOutlet {
  hasRoom(): boolean;
  deliver(subscription: number, chunk: Chunk, onWritten?: () => void): void;
  send(frame: ServerFrameInit): void;
  /** The log could not be read. */
  readFailed(error: unknown): void;
  /** {@link SubscriptionDesk.isAhead} may have changed. */
  changed(): void;
}

/** Beginnings of subscriptions about which the log is asked at once. Who asks for more waits, also if it takes them back. */
const MAX_OPENING = 64;

/** The subscriptions of one connection, by the numbers that the client gave them. */
export class SubscriptionDesk {
  readonly #engine: LogEngine;
  readonly #hub: DeliveryHub;
  readonly #maxSubscriptions: number;
  readonly #metrics: RelayMetrics;
  readonly #sender: () => Sender | undefined;
  readonly #outlet: SubscriptionDeskOutlet;
  readonly #queue: DeliveryQueue;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Ends the guard's listening for changes of membership. By subscription; none where the relay is open. */
  readonly #unwatch = new Map<Subscription, () => void>();
  /** Refused by the relay while frames about them may be on their way here. Oldest first, bounded. */
  readonly #refused = new Set<number>();
  #opening = 0;

  /** @param sender who subscribes; `undefined` where the relay is open */
  constructor(
    { engine, hub, limits, metrics }: SessionContext,
    sender: () => Sender | undefined,
    outlet: SubscriptionDeskOutlet,
  ) {
    this.#engine = engine;
    this.#hub = hub;
    this.#maxSubscriptions = limits.maxSubscriptions;
    this.#metrics = metrics;
    this.#sender = sender;
    this.#outlet = outlet;
    this.#queue = new DeliveryQueue(
      engine,
      () => outlet.hasRoom(),
      (error) => outlet.readFailed(error),
    );
  }

  /** How many there are. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Whether the client asks for subscriptions faster than the log answers. */
  get isAhead(): boolean {
    return this.#opening >= MAX_OPENING;
  }

  /** Begins a subscription, or refuses it. @throws {@link ConnectionRefusal} if its number is in use. */
  subscribe({ subscription: id, channel: name, group, start: wireStart, credit }: SubscribeFrame): void {
    if (this.#subscriptions.has(id)) {
      throw new ConnectionRefusal('protocol-error', `subscription ${id} is in use on this connection`);
    }
    this.#refused.delete(id);
    if (this.#subscriptions.size >= this.#maxSubscriptions) {
      return this.#refuse(id, 'limit', `${this.#maxSubscriptions} subscriptions on one connection are allowed`);
    }
    if (group.length !== GROUP_BYTES) {
      return this.#refuse(id, 'malformed', `group has ${group.length} bytes instead of ${GROUP_BYTES}`);
    }
    let channel;
    try {
      channel = parseChannelName(name);
    } catch (error) {
      return this.#refuse(id, 'invalid-channel', messageOf(error));
    }
    const sender = this.#sender();
    if (sender?.principal.scopes.has('read') === false) return this.#refuse(id, 'unauthorized', scopeText('read'));
    const start = startFromWire(wireStart);
    if (sender?.share.takeSubscription() === false) {
      return this.#refuse(id, 'limit', 'the account has too many subscriptions on this relay');
    }
    const open = (): void => {
      const opened = subscription.open(this.#engine, start).catch((error: unknown) => {
        this.#outlet.readFailed(error);
        subscription.fail();
      });
      void this.#count(opened);
    };
    const guard: AccountReadGuard | undefined =
      sender && this.#guard(channel, sender.principal.account, open, () => subscription);
    const request = { id, channel, group: new Uint8Array(group), credit };
    const subscription: Subscription = new Subscription(
      guard === undefined ? request : { ...request, guard },
      this.#hub,
      {
        deliver: (number, chunk, onWritten) => this.#outlet.deliver(number, chunk, onWritten),
        caughtUp: (number, headSeq) =>
          this.#outlet.send({ case: 'caughtUp', value: { subscription: number, headSeq: BigInt(headSeq) } }),
        gap: (number, afterSeq, resumesAtSeq) => {
          const value = { subscription: number, afterSeq: BigInt(afterSeq), resumesAtSeq: BigInt(resumesAtSeq) };
          this.#outlet.send({ case: 'gap', value });
        },
        notice: (number, topic) =>
          this.#outlet.send({ case: 'notice', value: { subscription: number, topic: noticeTopicToWire(topic) } }),
        refused: (number, reason, detail) => this.#refuse(number, reason, detail),
        ready: (ready) => this.#queue.add(ready),
      },
    );
    this.#subscriptions.set(id, subscription);
    if (guard === undefined) return open();
    this.#unwatch.set(
      subscription,
      this.#hub.watchMembers(channel, (change) => guard.changed(change)),
    );
    void this.#count(guard.ask());
  }

  /** Adds credit. @throws {@link ConnectionRefusal} if there is no such subscription. */
  grant(id: number, entries: number): void {
    this.#find(id)?.grant(entries);
  }

  /** Ends a subscription. @throws {@link ConnectionRefusal} if there is no such subscription. */
  unsubscribe(id: number): void {
    const subscription = this.#find(id);
    this.#refused.delete(id);
    if (subscription !== undefined) this.#drop(subscription);
  }

  /** The connection has room again. */
  resume(): void {
    this.#queue.run();
  }

  /** The principal has another token: subscriptions that it does not allow are refused. */
  recheck(): void {
    if (this.#sender()?.principal.scopes.has('read') !== false) return;
    for (const subscription of this.#subscriptions.values()) subscription.refuse('unauthorized', scopeText('read'));
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const subscription of this.#subscriptions.values()) this.#drop(subscription);
  }

  /** Questions count until they are answered, whatever has become of their subscriptions. */
  async #count(question: Promise<unknown>): Promise<void> {
    this.#opening += 1;
    this.#outlet.changed();
    await question;
    this.#opening -= 1;
    this.#outlet.changed();
  }

  /** `undefined` if the relay has refused it and the client cannot know yet. */
  #find(id: number): Subscription | undefined {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined && !this.#refused.has(id)) {
      throw new ConnectionRefusal('protocol-error', `there is no subscription ${id} on this connection`);
    }
    return subscription;
  }

  /** @param open asks the log where it stands; called when the guard has opened, since that is not for strangers either */
  #guard(
    channel: ChannelName,
    account: AccountId,
    open: () => void,
    subscription: () => Subscription,
  ): AccountReadGuard {
    let isOpened = false;
    return new AccountReadGuard(this.#engine, channel, account, {
      opened: () => {
        if (isOpened) return subscription().resume();
        isOpened = true;
        open();
      },
      denied: () => subscription().refuse('unauthorized', 'the account is no member of the channel'),
      failed: (error) => {
        this.#outlet.readFailed(error);
        subscription().fail();
      },
    });
  }

  #drop(subscription: Subscription): void {
    subscription.end();
    this.#unwatch.get(subscription)?.();
    this.#unwatch.delete(subscription);
    this.#queue.remove(subscription);
    if (this.#subscriptions.delete(subscription.id)) this.#sender()?.share.giveSubscription();
  }

  #refuse(id: number, reason: RefusalReason, detail: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription !== undefined) this.#drop(subscription);
    this.#metrics.refused(reason);
    this.#refused.add(id);
    const [oldest] = this.#refused;
    if (this.#refused.size > this.#maxSubscriptions && oldest !== undefined) this.#refused.delete(oldest);
    this.#outlet.send({
      case: 'subscriptionRefused',
      value: { subscription: id, reason: refusalToWire(reason), detail },
    });
  }
}
