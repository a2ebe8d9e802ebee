import { concatMap, filter, map, Observable, type Observer, type Subscription } from 'rxjs';
import { checkBytes, checkInteger } from '../../base/check.ts';
import { toSkytaleError } from '../../base/errors.ts';
import { safetyNumber } from '../../mls/index.ts';
import { abortable, deriveState, type Holdable, type StateObservable } from '../../streams/index.ts';
import type { Clock } from '../../base/clock.ts';
import { channelClosed } from './channel-closed.ts';
import type { ChannelCore, ChannelFront, ChannelParts } from './channel-core.ts';
import type {
  ChannelEvent,
  ChannelFault,
  ChannelMessage,
  ChannelState,
  ChannelStatus,
  CommitReceipt,
  EpochChange,
  GroupChange,
  SendReceipt,
} from './channel-event.ts';
import type { ChannelProbe } from './channel-inspection.ts';
import type { TapMessage } from './channel-tap.ts';
import type { CallOptions, ConsumeOptions, Consumption, SendOptions, StopOptions } from './channel-options.ts';
import { deferred } from './deferred.ts';
import type { ConfirmedReceipt, ConfirmedSendOptions } from './receipt.ts';
import { ConsumeDesk } from './consume-desk.ts';
import type { MessageHandler } from './consumer.ts';
import { Exchange } from './exchange.ts';
import type { JoinRequest } from './join-request.ts';
import { type MembershipChange, membershipChanges } from './membership.ts';
import { MessageIds } from './message-id.ts';
import type { PayloadCodec } from './payload-codec.ts';
import type { PresenceOptions, PresentMember } from './presence.ts';
import type { Reply, RequestOptions } from './request-options.ts';
import type { RequestHandler, RespondOptions } from './responder.ts';
import { sendParcel } from './send-parcel.ts';
import { TypedChannel } from './typed-channel.ts';

/** The constructor, for this file alone. */
let make: (parts: ChannelParts) => Channel;
/** A look inside, for this file alone. */
let look: (channel: Channel) => ChannelProbe;
let tell: (channel: Channel, message: TapMessage) => boolean;

/**
 * An end-to-end encrypted channel: one MLS group, as an Observable of what the other members say and an Observer for
 * what this agent says.
 *
 * The flow starts at the first subscription to messages, the first `send`, `next` or `commit`, or at `connect()`, and
 * then never stops by itself: a lost relay is waited for, a lost connection is made again from where reading had
 * ended. Streams are hot, never error, and complete once, when the channel was stopped or this agent was removed.
 *
 * One total order holds for all subscribers. Live streams are at most once: what was shown when the process died is
 * not shown again. {@link Channel.consume} is at least once.
 *
 * @example
 * channel$.pipe(filter(({ redelivered }) => !redelivered)).subscribe(({ seq, payload }) => console.log(seq, payload));
 * channel$.next(new TextEncoder().encode('hello'));
 */
// As rxjs's own webSocket() does: a channel is both ends at once, and operators on it give plain Observables.
// eslint-disable-next-line rxjs-x/no-subclass
export class Channel extends Observable<ChannelMessage> implements Observer<Uint8Array>, Holdable, AsyncDisposable {
  /** `org/namespace/service`. */
  readonly name: string;
  /** Messages of the others. Hot; those that came before the first subscription wait for it, at most 1 024 or 8 MiB. */
  readonly messages$: Observable<ChannelMessage> & Holdable;
  /** Changes of the group. Hot, no replay; `state$.value.epoch` is the new epoch when one is emitted. */
  readonly epochChanges$: Observable<EpochChange>;
  /**
   * Who has joined and who has left, member by member in epoch order. Hot, no replay; completes when the channel stops;
   * never errors.
   *
   * @example
   * channel$.membership$.pipe(filter(({ change }) => change === 'joined')).subscribe(({ member }) => handle(member));
   */
  readonly membership$: Observable<MembershipChange>;
  /**
   * Those who hold an invite and wait for somebody to decide. Hot; a subscriber gets those first that wait already. Starts
   * the flow; completes when the channel stops; never errors. Needs a client that knows a control plane.
   *
   * @example
   * channel$.joinRequests$.subscribe((request) => void request.approve());
   */
  readonly joinRequests$: Observable<JoinRequest>;
  /** What went wrong with something from outside, as values. Hot, no replay. */
  readonly faults$: Observable<ChannelFault>;
  /** Everything that happens, in the order that the other streams are views of. Hot; starts the flow like `messages$`. */
  readonly events$: Observable<ChannelEvent>;
  /** The channel as one value. Replays the latest, also after the end. */
  readonly state$: StateObservable<ChannelState>;
  /**
   * The other members that are there, in the order in which they came: those that have announced themselves
   * ({@link Channel.announce}) or have said anything lately. Replays the latest; emits when somebody comes or goes; empty after
   * the end; never errors.
   *
   * While the channel is not `live` nobody is taken as gone. A member that dies without a word is there until its lease
   * ends: 75 s in groups of up to thirty members, 2.5 s a member in larger ones.
   *
   * @example
   * channel$.presence$.subscribe((present) => console.log(present.map(({ member }) => member.leaf)));
   */
  readonly presence$: StateObservable<readonly PresentMember[]>;
  /** How the channel is. Replays the latest, also after the end. */
  readonly status$: StateObservable<ChannelStatus>;
  readonly #core: ChannelCore;
  readonly #mailbox: ChannelFront;
  readonly #clock: Clock;
  readonly #exchange: Exchange;
  readonly #consumption: ConsumeDesk;
  readonly #self: Uint8Array;
  #isFlowing = false;
  #isStopping = false;

  static {
    make = (parts) => new Channel(parts);
    look = (channel) => channel.#probe();
    tell = (channel, message) => channel.#mailbox.tell(message);
  }

  /** Channels come from a client. */
  private constructor(parts: ChannelParts) {
    super((subscriber) => this.messages$.subscribe(subscriber));
    const { name, self, idKey, mailbox, core, clock, random, callIds = new MessageIds(idKey, random) } = parts;
    const { output } = core;
    this.#core = core;
    this.#mailbox = mailbox;
    this.#clock = clock;
    this.name = name;
    this.state$ = output.state$;
    const fault = (event: ChannelFault): void => output.fault(event);
    this.#consumption = new ConsumeDesk(name, mailbox, { clock, random }, fault);
    this.#self = self;
    this.status$ = deriveState(output.state$, ({ status }) => status);
    this.#exchange = new Exchange(output.events$, this.status$, {
      name,
      clock,
      random,
      ids: callIds,
      self,
      state: () => output.state$.value,
      send: (parcel) => {
        this.connect();
        sendParcel(this.#mailbox, parcel);
      },
      fault,
      checkOpen: () => this.#checkOpen(),
    });
    this.presence$ = this.#exchange.presence.present$;
    this.events$ = new Observable((subscriber) => {
      subscriber.add(output.events$.subscribe(subscriber));
      this.#letMessagesThrough();
    });
    this.messages$ = holdable(this.events$.pipe(filter((event) => event.kind === 'message')), () => this.hold());
    this.joinRequests$ = new Observable((subscriber) => {
      subscriber.add(core.joinRequests$.subscribe(subscriber));
      if (!this.#isStopping) this.connect();
    });
    this.epochChanges$ = output.events$.pipe(filter((event) => event.kind === 'epoch-change'));
    this.membership$ = this.epochChanges$.pipe(concatMap(membershipChanges));
    this.faults$ = output.events$.pipe(
      filter((event) => event.kind === 'fault'),
      map(({ fault }) => fault),
    );
  }

  /**
   * Sixty digits that stand for the members and their keys, for people to compare over another way: who hears the same
   * digits from another member talks to that member, and to nobody in between.
   *
   * @throws {@link RuntimeError} `invalid_argument` while there are fewer than two members
   */
  safetyNumber(): string {
    return safetyNumber(this.state$.value.members);
  }

  /** Starts the flow. Further calls change nothing. */
  connect(): void {
    if (this.#isFlowing) return;
    this.#isFlowing = true;
    this.#mailbox.tell({ kind: 'connect' });
  }

  /**
   * The channel in values instead of payloads. A view: what does not decode is reported there and ends nothing.
   *
   * @example
   * const chat$ = channel$.as(text());
   * chat$.subscribe(({ payload }) => console.log(payload));
   * await chat$.send('hello');
   */
  as<In, Out>(codec: PayloadCodec<In, Out>): TypedChannel<In, Out> {
    return new TypedChannel(this, codec);
  }

  /**
   * Sends a payload. Waits for room in the mailbox; resolves when the relay has stored the message durably.
   *
   * What was sent in one caller's order is stored in that order. While the relay is away the message waits, durable,
   * for as long as it takes.
   *
   * @throws {@link ChannelError} `channel_closed` if the channel is or gets closed first. What had been accepted is sent
   * when the channel is opened again.
   * @throws {@link QuotaExceededError} if the account's messages of this month are used up: this one is not sent
   * @throws {@link AuthError} `unauthorized` if the account may not write to this channel
   * @throws {@link TransportError} `message_too_large` and others that the relay refuses for good
   */
  send(payload: Uint8Array, options?: SendOptions): Promise<SendReceipt>;
  /**
   * Sends a payload, and waits also for what the other members say about it, inside the ciphertext: that it is
   * `delivered`, or `handled`. The result tells who has said so.
   *
   * @throws {@link ReceiptTimeoutError} `receipt_timeout`, with who has confirmed and who has not; the message is sent all the same
   * @throws {@link ChannelError} `responder_left` if fewer members are left than should confirm
   * @throws what `send` without a receipt throws
   */
  send(payload: Uint8Array, options: ConfirmedSendOptions): Promise<ConfirmedReceipt>;
  async send(payload: Uint8Array, options: SendOptions | ConfirmedSendOptions = {}): Promise<SendReceipt> {
    checkBytes('payload', payload);
    this.#checkOpen();
    this.connect();
    if (options.receipt === 'delivered' || options.receipt === 'handled') {
      return this.#exchange.receipts.send(payload, options);
    }
    const { promise, resolve, reject } = deferred<SendReceipt>();
    const postedAtMs = this.#noteSend();
    await this.#mailbox.put({ payload: payload.slice(), waiter: { resolve, reject }, postedAtMs }, options.signal);
    return abortable(promise, options.signal);
  }

  /**
   * Sends a payload without waiting. If the mailbox is full, or the relay refuses the message, the payload comes back
   * as an `overflow` or `rejected` fault.
   *
   * @throws {@link ChannelError} `channel_closed`
   */
  next(payload: Uint8Array): void {
    checkBytes('payload', payload);
    this.#checkOpen();
    this.connect();
    const copy = payload.slice();
    const postedAtMs = this.#noteSend();
    if (!this.#mailbox.offer({ payload: copy, waiter: undefined, postedAtMs }))
      this.#core.output.fault({ kind: 'overflow', payload: copy });
  }

  /**
   * Asks the other members. Cold: subscribing sends the request, and subscribing once more sends it again under the same id.
   *
   * Emits replies as they come, in the channel's order, and completes when there are as many as expected. Unsubscribing
   * cancels the work at the other ends. Nothing of it shows in `messages$`, here or there.
   *
   * The deadline is told to who is asked as a time of day: a member whose clock is ahead by more than `timeoutMs` ignores the
   * request.
   *
   * Errors with {@link ChannelError} `request_timeout`; `responder_left` if a member that has to reply is removed from the
   * group, `request_failed` if its handler fails, or if nobody is left who could reply; `channel_closed`; {@link RuntimeError}
   * `mailbox_full` if 1,024 requests wait already; and with what {@link Channel.send} rejects with.
   *
   * @throws {@link RuntimeError} `invalid_argument`
   *
   * @example
   * const { payload } = await firstValueFrom(channel$.request(new TextEncoder().encode('how are you?'), { timeoutMs: 5_000 }));
   */
  request(payload: Uint8Array, options: RequestOptions): Observable<Reply> {
    checkBytes('payload', payload);
    return this.#exchange.requests.request(payload.slice(), options);
  }

  /**
   * Answers requests of other members that are for this one, until the subscription is ended; that cancels the work in
   * hand. Starts the flow.
   *
   * Requests are not kept: one that comes while nobody responds is for others, and one whose deadline has passed is
   * skipped. Whoever asks and hears nothing asks again.
   *
   * @throws {@link ChannelError} `bad_request` if there is a responder already, `channel_closed`
   *
   * @example
   * channel$.respond(({ payload }) => of(payload));
   */
  respond(handler: RequestHandler, options?: RespondOptions): Subscription {
    const subscription = this.#exchange.responses.respond(handler, options);
    this.connect();
    return subscription;
  }

  /**
   * Says to the other members that this agent is there, until the subscription is ended or the channel is stopped, which says
   * that it goes. They see it on their {@link Channel.presence$}. Starts the flow.
   *
   * Nothing is announced unless somebody calls this: an announcement is a message to the relay, which counts towards the quota
   * and shows when an agent is there. It is said when the channel gets live, and then when nothing else was said for an interval.
   *
   * @throws {@link RuntimeError} `invalid_argument`; {@link ChannelError} `channel_closed`
   *
   * @example
   * const there = channel$.announce();
   * there.unsubscribe();
   */
  announce(options: PresenceOptions = {}): Subscription {
    const announcement = this.#exchange.announcer.announce(options);
    this.connect();
    return announcement;
  }

  /**
   * Asks the relay for no more, until the returned function is called; what is on its way still comes, at most 256 messages. For
   * readers that are not consumers and cannot keep up, such as `iterate` with `overflow: 'wait'`. Each time that it comes to
   * that there is a `slow` fault.
   */
  hold(): () => void {
    let isHeld = true;
    this.#mailbox.tell({ kind: 'hold' });
    return () => {
      if (isHeld) this.#mailbox.tell({ kind: 'let-go' });
      isHeld = false;
    };
  }

  /** The end of a source is not the end of the channel: an `error` becomes a fault. */
  error(error: unknown): void {
    this.#core.output.fault({ kind: 'source-error', error: toSkytaleError(error) });
  }

  /** The end of a source is not the end of the channel: nothing happens. Use {@link Channel.stop}. */
  complete(): void {
    // Deliberately nothing: see above.
  }

  /**
   * Changes the group: adds, removes, renews own keys. Resolves when the change has won its epoch and is applied here.
   * If another member's commit comes first, the change is made again on the state that it began.
   *
   * @throws {@link MlsError} `invalid_key_package` and others of the engine
   * @throws {@link AuthError} `unauthorized` if the account may not change this channel
   * @throws {@link ChannelError} `not_found` if a member to remove is none, `channel_closed`
   */
  async commit(change: GroupChange, { signal }: CallOptions = {}): Promise<CommitReceipt> {
    this.#checkOpen();
    signal?.throwIfAborted();
    this.connect();
    const { promise, resolve, reject } = deferred<CommitReceipt>();
    this.#mailbox.tell({ kind: 'commit', request: { change, waiter: { resolve, reject } } });
    return abortable(promise, signal);
  }

  /**
   * Leaves the group: asks the other members to remove this agent, and resolves when one of them has. That takes until
   * one is online; the wish outlives a restart. Then the streams complete.
   *
   * @throws {@link ChannelError} `bad_request` for the only member, `channel_closed`
   * @throws {@link QuotaExceededError} and others if the relay does not take the wish; it is kept, and said again later
   */
  async leave({ signal }: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    signal?.throwIfAborted();
    this.connect();
    const { promise, resolve, reject } = deferred<undefined>();
    this.#mailbox.tell({ kind: 'leave', waiter: { resolve, reject } });
    return abortable(promise, signal);
  }

  /**
   * Hands every message to `handler` in order, one at a time or `concurrency` at once, and acknowledges each when its
   * handler has completed.
   *
   * Messages are journalled on disk from the moment they are read until they are acknowledged. After a crash those that
   * were not acknowledged come again, in order and with `redelivered: true`: to the handler, and to the subscribers of the
   * streams. A handler that throws gets the same message again after a backoff; with a concurrency of 1 no later message
   * passes it. While too much is unacknowledged the relay is asked for no more.
   *
   * Acknowledgements reach the disk together, with the next write: a process that is killed before handles again what it had
   * completed since the last one. A handler whose effects must not come twice can tell by `seq`, which stays the same.
   *
   * @throws {@link ChannelError} `bad_request` if there is a consumer already, `channel_closed`
   */
  consume(handler: MessageHandler, options?: ConsumeOptions): Consumption {
    this.#checkOpen();
    const consumption = this.#consumption.consume(handler, options);
    this.connect();
    return consumption;
  }

  /**
   * Closes the channel on this side; the membership stays. What was accepted gets a moment to reach the relay, what is
   * left is kept and sent when the channel is opened again. Further calls wait for the first.
   *
   * @throws {@link RuntimeError} `store_error` if the channel's record could not be written at the end
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const graceMs = checkInteger('graceMs', options.graceMs ?? 2_000, 0);
    if (!this.#isStopping) {
      this.#exchange.stop();
      this.#isStopping = true;
      const grace = new AbortController();
      const cancel = this.#clock.schedule(graceMs, () => grace.abort());
      grace.signal.addEventListener('abort', () => this.#core.stopNow(), { once: true });
      this.#consumption.stop();
      await Promise.race([this.#consumption.done, this.#core.done, aborted(grace.signal)]);
      this.#mailbox.tell({ kind: 'stop' });
      await this.#core.done;
      cancel();
    }
    const failure = await this.#core.done;
    if (failure !== undefined) throw failure;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The others will hear something of this agent. Returns when. */
  #noteSend(): number {
    if (this.status$.value === 'live') this.#exchange.announcer.told();
    return this.#clock.now();
  }

  #probe(): ChannelProbe {
    const core = this.#core;
    const { presence$, state$ } = this;
    return {
      name: this.name,
      identity: this.#self,
      state$,
      events$: core.output.events$,
      get state() {
        return state$.value;
      },
      get figures() {
        return core.figures;
      },
      get present() {
        return presence$.value.length;
      },
    };
  }

  #letMessagesThrough(): void {
    if (this.#isStopping) return;
    this.connect();
    this.#mailbox.tell({ kind: 'open-gate' });
  }

  #checkOpen(): void {
    if (this.#core.ended !== undefined) throw this.#core.ended;
    if (this.#isStopping) throw channelClosed(this.name);
  }
}

/** `stream`, whose source is made to wait by `hold`. */
function holdable<T extends object>(stream: T, hold: () => () => void): T & Holdable {
  return Object.assign(stream, { hold });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Looks at a channel without disturbing it. */
export function probeChannel(channel: Channel): ChannelProbe {
  return look(channel);
}

/** A channel on another core than its own actor. */
export function assembleChannel(parts: ChannelParts): Channel {
  return make(parts);
}

/** Tells its actor something of who listens. False if it is closed. */
export function tellOfTap(channel: Channel, message: TapMessage): boolean {
  return tell(channel, message);
}
