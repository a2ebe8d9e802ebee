import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { checkInteger } from '../../base/check.ts';
import { RuntimeError, type SkytaleError } from '../../base/errors.ts';
import {
  type ChannelLink,
  checkSubmissions,
  copySubmission,
  type LinkEvent,
  type LinkOptions,
  type LinkStart,
  type PublishAnswer,
  type Submission,
} from '../../transport/index.ts';
import type { Line } from './line.ts';
import { damage, type EntriesMischief, type Mischief } from './mischief.ts';

/** What a {@link TwinLink} needs of the transport that it belongs to. */
export interface TwinLinkHost {
  readonly mischief: Mischief;
  /** A subscriber has come: the host calls {@link TwinLink.attach} now or when it is online, or ends the link. */
  enlist(link: TwinLink): void;
  dismiss(link: TwinLink): void;
  publish(
    link: ChannelLinkOptions,
    submissions: readonly Submission[],
    round: number,
  ): Promise<readonly PublishAnswer[]>;
}

/** What names a link at the relay. */
export type ChannelLinkOptions = Pick<LinkOptions, 'channel' | 'group'>;

/** A channel on a connection that can fail: what was on its way when it did is asked for again on the next one. */
export class TwinLink implements ChannelLink {
  readonly events$: Observable<LinkEvent>;
  readonly #options: LinkOptions;
  readonly #host: TwinLinkHost;
  #start: LinkStart;
  #credit: number;
  #subscriber: Subscriber<LinkEvent> | undefined;
  #line: Line | undefined;
  #atRelay: { readonly link: ChannelLink; readonly subscription: Subscription } | undefined;
  /** What has arrived and is more than there is credit for, or is held back; in order. */
  #waiting: LinkEvent[] = [];
  /** The first batch of this connection, for a relay that repeats itself. */
  #firstEntries: Extract<LinkEvent, { kind: 'entries' }> | undefined;
  /** Credit that a slow reader has not granted yet. */
  #heldCredit = 0;
  #isOnline = false;

  constructor(options: LinkOptions, host: TwinLinkHost) {
    this.#options = options;
    this.#host = host;
    this.#start = options.start;
    this.#credit = checkInteger('credit', options.credit, 1);
    this.events$ = new Observable((subscriber) => {
      if (this.#subscriber !== undefined) {
        subscriber.error(new RuntimeError('invalid_argument', 'a link has one subscriber at a time'));
        return undefined;
      }
      this.#subscriber = subscriber;
      host.enlist(this);
      return () => {
        this.#subscriber = undefined;
        this.#leave();
        host.dismiss(this);
      };
    });
  }

  grant(entries: number): void {
    this.#heldCredit += checkInteger('entries', entries, 1);
    if (!this.#host.mischief.isReadingSlowly()) this.releaseCredit();
  }

  /** Grants what a slow reader has held back. */
  releaseCredit(): void {
    const entries = this.#heldCredit;
    if (entries === 0) return;
    this.#heldCredit = 0;
    this.#credit += entries;
    const atRelay = this.#atRelay;
    this.#line?.up.send(() => atRelay?.link.grant(entries));
    this.flush();
  }

  async publish(submissions: readonly Submission[], round = 0): Promise<readonly PublishAnswer[]> {
    checkSubmissions(submissions, round);
    return this.#host.publish(this.#options, submissions.map(copySubmission), round);
  }

  attach(line: Line): void {
    if (this.#line !== undefined) return;
    this.#line = line;
    line.up.send(() => {
      if (this.#line !== line || this.#atRelay !== undefined) return;
      // One more than there is, if there is none: what comes of it waits here.
      const link = line.relay.open({ ...this.#options, start: this.#start, credit: Math.max(1, this.#credit) });
      const subscription = link.events$.subscribe({
        next: (event) => this.#depart(line, event),
        error: (error: unknown) => this.#subscriber?.error(error),
      });
      this.#atRelay = { link, subscription };
    });
  }

  detach(cause: SkytaleError): void {
    const wasOnline = this.#isOnline;
    this.#leave();
    if (wasOnline) this.#subscriber?.next({ kind: 'offline', cause });
  }

  complete(): void {
    this.#leave();
    this.#subscriber?.complete();
  }

  /** Emits what waits, as far as there is credit and nothing holds it back. */
  flush(): void {
    while (this.#line !== undefined) {
      const [event] = this.#waiting;
      if (event === undefined) return;
      if (event.kind !== 'entries') {
        this.#waiting.shift();
        this.#emit(event);
        continue;
      }
      const room = this.#host.mischief.isWithholding() ? 0 : Math.min(this.#credit, event.entries.length);
      if (room === 0) return;
      const rest = event.entries.slice(room);
      if (rest.length === 0) this.#waiting.shift();
      else this.#waiting[0] = { kind: 'entries', entries: rest };
      this.#emit({ kind: 'entries', entries: event.entries.slice(0, room) });
    }
  }

  #leave(): void {
    this.#line = undefined;
    this.#isOnline = false;
    this.#waiting = [];
    this.#firstEntries = undefined;
    this.#atRelay?.subscription.unsubscribe();
    this.#atRelay = undefined;
  }

  /** An event leaves the relay. */
  #depart(line: Line, event: LinkEvent): void {
    const { mischief } = this.#host;
    const arrive = (arrived: LinkEvent) => (): void => {
      if (this.#line !== line) return;
      this.#waiting.push(arrived);
      this.flush();
    };
    if (event.kind !== 'entries') {
      line.down.send(arrive(event));
      return;
    }
    const first = this.#firstEntries;
    this.#firstEntries ??= event;
    let passing: LinkEvent = event;
    const faults = mischief.entries({ isFirst: first === undefined });
    for (const fault of faults) {
      mischief.fired(fault);
      passing = { ...passing, entries: damage(passing.entries, fault) };
    }
    const find = (kind: EntriesMischief['kind']): EntriesMischief | undefined =>
      faults.find((fault) => fault.kind === kind);
    if (find('drop-entries') !== undefined) return;
    const [delay, reorder] = [find('delay-entries'), find('reorder-entries')];
    if (reorder !== undefined && 'ms' in reorder) line.down.sendAside(arrive(passing), reorder.ms);
    else line.down.send(arrive(passing), delay !== undefined && 'ms' in delay ? delay.ms : 0);
    if (find('duplicate-entries') !== undefined) line.down.send(arrive(passing));
    if (find('repeat-entries') !== undefined && first !== undefined) line.down.send(arrive(first));
  }

  #emit(event: LinkEvent): void {
    switch (event.kind) {
      case 'online':
        this.#isOnline = true;
        break;
      case 'entries': {
        this.#credit -= event.entries.length;
        const last = event.entries.at(-1);
        if (last !== undefined) this.#moveTo(last.seq);
        break;
      }
      case 'gap':
        this.#moveTo(event.resumesAtSeq - 1);
        break;
      case 'refused':
        this.#subscriber?.next(event);
        this.complete();
        return;
      case 'caught-up':
      case 'notice':
      case 'offline':
        break;
    }
    this.#subscriber?.next(event);
  }

  #moveTo(seq: number): void {
    if (!('afterSeq' in this.#start) || this.#start.afterSeq < seq) this.#start = { afterSeq: seq };
  }
}
