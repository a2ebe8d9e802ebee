import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import { checkInteger } from '../../base/check.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { RuntimeError, TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type {
  ChannelLink,
  LinkEvent,
  LinkOptions,
  LinkStart,
  LogEntry,
  NoticeTopic,
  PublishAnswer,
  RefusalReason,
  Submission,
} from '../relay-transport.ts';
import { checkSubmissions } from '../check.ts';
import { startToWire } from '../wire/values.ts';
import type { RelaySession } from './session.ts';
import type { SubscriptionSink } from './session-handlers.ts';

/** What a {@link GrpcLink} needs of the transport that it belongs to. */
export interface LinkHost {
  /** A subscriber has come: the host calls {@link GrpcLink.attach} now or when it is online, or ends the link. */
  enlist(link: GrpcLink): void;
  dismiss(link: GrpcLink): void;
  publish(
    channel: ChannelName,
    group: Uint8Array,
    submissions: readonly Submission[],
    round: number,
  ): Promise<readonly PublishAnswer[]>;
}

/** Largest number of entries that the wire's 32-bit field can grant. */
const MAX_CREDIT = 2 ** 32 - 1;

/** One channel: where its reader stands and what it may still get, across connections. */
export class GrpcLink implements ChannelLink, SubscriptionSink {
  readonly events$: Observable<LinkEvent>;
  readonly #host: LinkHost;
  readonly #channel: ChannelName;
  readonly #group: Uint8Array;
  #start: LinkStart;
  #lastSeq: number;
  #credit: number;
  #subscriber: Subscriber<LinkEvent> | undefined;
  #subscription: { readonly session: RelaySession; readonly id: number } | undefined;

  constructor(options: LinkOptions, host: LinkHost) {
    this.#host = host;
    this.#channel = options.channel;
    this.#group = options.group;
    this.#start = options.start;
    this.#lastSeq = 'afterSeq' in options.start ? options.start.afterSeq : 0;
    this.#credit = checkInteger('credit', options.credit, 1, MAX_CREDIT);
    this.events$ = new Observable((subscriber) => {
      if (this.#subscriber !== undefined) {
        subscriber.error(new RuntimeError('invalid_argument', 'a link has one subscriber at a time'));
        return undefined;
      }
      this.#subscriber = subscriber;
      this.#host.enlist(this);
      return () => this.#leave();
    });
  }

  grant(entries: number): void {
    checkInteger('entries', entries, 1, MAX_CREDIT - this.#credit);
    this.#credit += entries;
    this.#subscription?.session.credit(this.#subscription.id, entries);
  }

  async publish(submissions: readonly Submission[], round = 0): Promise<readonly PublishAnswer[]> {
    checkSubmissions(submissions, round);
    return this.#host.publish(this.#channel, this.#group, submissions, round);
  }

  /** Whether it is subscribed on a connection. */
  get isAttached(): boolean {
    return this.#subscription !== undefined;
  }

  /** Subscribes on a connection that is ready, behind the last entry that was emitted. */
  attach(session: RelaySession): void {
    const init = {
      channel: this.#channel,
      group: this.#group,
      start: startToWire(this.#start),
      credit: this.#credit,
    };
    this.#subscription = { session, id: session.subscribe(init, this) };
    this.#subscriber?.next({ kind: 'online' });
  }

  /** The connection is gone. */
  detach(cause: SkytaleError): void {
    if (this.#subscription === undefined) return;
    this.#subscription = undefined;
    this.#subscriber?.next({ kind: 'offline', cause });
  }

  /** The transport is closed. */
  complete(): void {
    this.#subscription = undefined;
    this.#subscriber?.complete();
  }

  entries(entries: readonly LogEntry[]): void {
    if (entries.length > this.#credit) {
      throw new TransportError('protocol_error', `${entries.length} entries came with credit for ${this.#credit}`);
    }
    let last = this.#lastSeq;
    for (const { seq } of entries) {
      if (seq <= last) throw new TransportError('protocol_error', `entry ${seq} came after entry ${last}`);
      last = seq;
    }
    this.#credit -= entries.length;
    this.#moveTo(last);
    this.#subscriber?.next({ kind: 'entries', entries });
  }

  caughtUp(headSeq: number): void {
    this.#subscriber?.next({ kind: 'caught-up', headSeq });
  }

  gap(afterSeq: number, resumesAtSeq: number): void {
    if (resumesAtSeq <= this.#lastSeq) {
      throw new TransportError('protocol_error', `a gap up to entry ${resumesAtSeq} came after entry ${this.#lastSeq}`);
    }
    // So that the same gap is not told again after a reconnect.
    this.#moveTo(resumesAtSeq - 1);
    this.#subscriber?.next({ kind: 'gap', afterSeq, resumesAtSeq });
  }

  notice(topic: NoticeTopic): void {
    this.#subscriber?.next({ kind: 'notice', topic });
  }

  refused(reason: RefusalReason, error: SkytaleError): void {
    this.#subscription = undefined;
    this.#subscriber?.next({ kind: 'refused', reason, error });
    this.#subscriber?.complete();
  }

  #moveTo(seq: number): void {
    this.#lastSeq = seq;
    this.#start = { afterSeq: seq };
  }

  #leave(): void {
    this.#subscriber = undefined;
    this.#host.dismiss(this);
    this.#subscription?.session.unsubscribe(this.#subscription.id);
    this.#subscription = undefined;
  }
}
