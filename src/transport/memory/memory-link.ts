import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { checkSubmissions } from '../check.ts';
import type {
  ChannelLink,
  LinkEvent,
  LinkOptions,
  LinkStart,
  NoticeTopic,
  PublishAnswer,
  RefusalReason,
  Submission,
} from '../relay-transport.ts';
import { refusalError } from '../wire/refusals.ts';
import type { MemoryPublish } from './memory-hub.ts';
import type { MemoryLog } from './memory-log.ts';

/** What a {@link MemoryLink} needs of the transport that it belongs to. */
export interface MemoryLinkHost {
  /** A subscriber has come: the host calls {@link MemoryLink.attach} now or when it is online, or ends the link. */
  enlist(link: MemoryLink): void;
  dismiss(link: MemoryLink): void;
  /** Credit was granted: call {@link MemoryLink.wake} in a microtask. */
  wake(): void;
  isOpen(channel: ChannelName): boolean;
  publish(publish: MemoryPublish): Promise<readonly PublishAnswer[]>;
}

/** Entries in one event, as on the wire. */
const MAX_BATCH_ENTRIES = 64;

/** A reader of a {@link MemoryLog}. It emits in microtasks, never from inside a call. */
export class MemoryLink implements ChannelLink {
  readonly events$: Observable<LinkEvent>;
  readonly #options: LinkOptions;
  readonly #log: MemoryLog;
  readonly #transport: MemoryLinkHost;
  #start: LinkStart;
  #credit: number;
  #subscriber: Subscriber<LinkEvent> | undefined;
  /** Position on this connection; `undefined` when there is none. */
  #afterSeq: number | undefined;
  /** What the `caught-up` that is still to come will tell. */
  #headAtStart: number | undefined;
  /** What is to be told on this connection. */
  readonly #notices = new Set<NoticeTopic>();

  constructor(options: LinkOptions, log: MemoryLog, transport: MemoryLinkHost) {
    this.#options = options;
    this.#log = log;
    this.#transport = transport;
    this.#start = options.start;
    this.#credit = checkInteger('credit', options.credit, 1);
    this.events$ = new Observable((subscriber) => {
      if (this.#subscriber !== undefined) {
        subscriber.error(new RuntimeError('invalid_argument', 'a link has one subscriber at a time'));
        return undefined;
      }
      this.#subscriber = subscriber;
      transport.enlist(this);
      return () => {
        this.#subscriber = undefined;
        this.#afterSeq = undefined;
        this.#notices.clear();
        transport.dismiss(this);
      };
    });
  }

  grant(entries: number): void {
    this.#credit += checkInteger('entries', entries, 1);
    this.#transport.wake();
  }

  async publish(submissions: readonly Submission[], round = 0): Promise<readonly PublishAnswer[]> {
    checkSubmissions(submissions, round);
    const { channel, group } = this.#options;
    return this.#transport.publish({ channel, group, submissions, round });
  }

  attach(): void {
    if (this.#afterSeq !== undefined) return;
    const place = this.#barrier() ?? this.#log.locate(this.#start);
    if (typeof place === 'number') this.#afterSeq = place;
    this.#headAtStart = this.#log.headSeq;
    this.#subscriber?.next({ kind: 'online' });
    if (typeof place === 'string') this.#refuse(place);
    else this.#transport.wake();
  }

  /** There is something new for the members of a channel, to be told with the next {@link MemoryLink.wake}. */
  notice(channel: ChannelName, topic: NoticeTopic): void {
    if (this.#afterSeq !== undefined && channel === this.#options.channel) this.#notices.add(topic);
  }

  detach(cause: SkytaleError): void {
    if (this.#afterSeq === undefined) return;
    this.#afterSeq = undefined;
    this.#notices.clear();
    this.#subscriber?.next({ kind: 'offline', cause });
  }

  complete(): void {
    this.#subscriber?.complete();
  }

  /** Emits all that the log holds and credit allows. */
  wake(): void {
    const barrier = this.#barrier();
    if (this.#afterSeq !== undefined && barrier !== undefined) this.#refuse(barrier);
    // Each event may end in a handler that moves, detaches or ends this link.
    while (this.#afterSeq !== undefined) {
      const event = this.#nextEvent(this.#afterSeq);
      if (event === undefined) return;
      this.#subscriber?.next(event);
    }
  }

  /** Why the channel is not for this reader, if it is not. */
  #barrier(): RefusalReason | undefined {
    if (!this.#transport.isOpen(this.#options.channel)) return 'unauthorized';
    return this.#log.isForeign(this.#options.group) ? 'foreign-group' : undefined;
  }

  #nextEvent(afterSeq: number): LinkEvent | undefined {
    for (const topic of this.#notices) {
      this.#notices.delete(topic);
      return { kind: 'notice', topic };
    }
    const resumesAtSeq = this.#log.gapAfter(afterSeq);
    if (resumesAtSeq !== undefined) {
      this.#moveTo(resumesAtSeq - 1);
      return { kind: 'gap', afterSeq, resumesAtSeq };
    }
    if (this.#headAtStart !== undefined && afterSeq >= this.#headAtStart) {
      const headSeq = this.#headAtStart;
      this.#headAtStart = undefined;
      return { kind: 'caught-up', headSeq };
    }
    const entries = this.#log.read(afterSeq, Math.min(this.#credit, MAX_BATCH_ENTRIES));
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    this.#credit -= entries.length;
    this.#moveTo(last.seq);
    return { kind: 'entries', entries };
  }

  #moveTo(seq: number): void {
    this.#afterSeq = seq;
    this.#start = { afterSeq: seq };
  }

  #refuse(reason: RefusalReason): void {
    this.#afterSeq = undefined;
    this.#subscriber?.next({ kind: 'refused', reason, error: refusalError(reason, '') });
    this.#subscriber?.complete();
  }
}
