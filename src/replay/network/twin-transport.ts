import type { ChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import { type SkytaleError, TransportError } from '../../base/errors.ts';
import { type StateObservable, StateSubject } from '../../streams/index.ts';
import {
  type ChannelLink,
  checkLinkOptions,
  type LinkOptions,
  type PublishAnswer,
  type Quota,
  type RelayTransport,
  type Submission,
  type TransportStatus,
  WelcomeDesk,
  type WelcomeDelivery,
} from '../../transport/index.ts';
import type { FaultOf } from '../faults/fault.ts';
import { Line } from './line.ts';
import type { Mischief, PublishMischief } from './mischief.ts';
import { type Latency, Pipe } from './pipe.ts';
import { type ChannelLinkOptions, TwinLink, type TwinLinkHost } from './twin-link.ts';
import type { Attached, TwinRelay } from './twin-relay.ts';

/** What was refused, and where. */
interface Refusal {
  readonly channel: ChannelName;
  readonly round: number;
  readonly refusal: FaultOf<'refuse-publish'>;
}

/** What a {@link TwinTransport} works with. */
export interface TwinTransportOptions {
  readonly relay: TwinRelay;
  readonly clock: Clock;
  /** The time of the network, which nobody can put forward or back. Default `clock`. */
  readonly networkClock?: Clock;
  readonly latency: Latency;
  readonly mischief: Mischief;
  /** The account on which it acts; none by default. */
  readonly account?: string | undefined;
  /** Whose it is, for a relay that does not tell everybody the same. */
  readonly agent?: string;
  /** How long after a loss or a failure it tries again, in milliseconds. Asked each time. */
  readonly retryInMs: () => number;
  /** Told of what leaves the client. */
  readonly onSubmit?: (submissions: readonly Submission[]) => void;
  /** Told of what has come to the relay, whatever that makes of it. */
  readonly onArrive?: (submissions: readonly Submission[]) => void;
}

/**
 * A client's connection to the relay of a simulation: a {@link RelayTransport} on which things take time and go wrong, at the
 * moments that a plan says.
 */
export class TwinTransport implements RelayTransport, TwinLinkHost, Attached {
  readonly isAuthenticated: boolean;
  readonly status$: StateObservable<TransportStatus>;
  readonly quota$: StateObservable<Quota | undefined>;
  readonly mischief: Mischief;
  readonly #options: TwinTransportOptions;
  readonly #status = new StateSubject<TransportStatus>({ kind: 'idle' });
  readonly #quota = new StateSubject<Quota | undefined>(undefined, (a, b) => JSON.stringify(a) === JSON.stringify(b));
  readonly #links = new Set<TwinLink>();
  readonly #welcomes = new WelcomeDesk();
  #line: Line | undefined;
  #firstAttempt: Promise<void> | undefined;
  #isFirstAttemptOver = false;
  #attempt = 0;
  /** The latest refusal on each connection. */
  readonly #refusals = new WeakMap<Line, Refusal>();
  #cancelRetry: (() => void) | undefined;
  #isCutOff = false;
  #isClosed = false;

  constructor(options: TwinTransportOptions) {
    this.#options = options;
    this.isAuthenticated = options.account !== undefined;
    this.mischief = options.mischief;
    this.status$ = this.#status.asObservable();
    this.quota$ = this.#quota.asObservable();
  }

  open(options: LinkOptions): ChannelLink {
    checkLinkOptions(options);
    this.#options.relay.know(options.channel, options.group);
    return new TwinLink(options, this);
  }

  async publish(
    { channel, group }: ChannelLinkOptions,
    submissions: readonly Submission[],
    round: number,
  ): Promise<readonly PublishAnswer[]> {
    this.#use();
    const lineAtCall = this.#line;
    const isFirst = !this.#isFirstAttemptOver;
    // All wait here, so that publishes keep the order of their calls.
    await this.#firstAttempt;
    if (this.#isClosed) throw closed();
    const line = lineAtCall ?? (isFirst ? this.#line : undefined);
    if (line === undefined) throw new TransportError('connection_error', 'there is no connection to the relay');
    if (!line.isAlive) throw lost();
    this.#options.onSubmit?.(submissions);
    const faults = this.mischief.publish(submissions);
    const find = <Kind extends PublishMischief['kind']>(
      kind: Kind,
    ): Extract<PublishMischief, { kind: Kind }> | undefined => {
      const fault = faults.find((each): each is Extract<PublishMischief, { kind: Kind }> => each.kind === kind);
      if (fault !== undefined) this.mischief.fired(fault);
      return fault;
    };
    const refusal = find('refuse-publish') ?? this.#refusalOf(line, channel, submissions, round);
    if (refusal !== undefined) this.#refusals.set(line, { channel, round, refusal });
    const lostOnTheWay = find('lose-publish');
    const crash = find('relay-crash');
    const answerLost = find('lose-answer');
    const call = async (): Promise<readonly PublishAnswer[]> => {
      if (lostOnTheWay !== undefined) this.cut(lost());
      if (crash?.when === 'before') this.#options.relay.crash(crash.forMs);
      if (!line.isAlive) throw lost();
      this.#options.onArrive?.(submissions);
      const taken = refusal === undefined ? submissions : submissions.slice(0, refusal.from);
      const link = line.relay.open({ channel, group, start: { afterSeq: 0 }, credit: 1 });
      const answers = taken.length === 0 ? [] : await link.publish(taken, round);
      this.#handOutLosers(channel, taken, answers);
      if (crash?.when === 'after') this.#options.relay.crash(crash.forMs);
      if (answerLost !== undefined) this.cut(lost());
      return refusal === undefined
        ? answers
        : [...answers, ...submissions.slice(taken.length).map(() => refused(refusal))];
    };
    const [upMs, asideMs] = [find('delay-publish')?.ms, find('delay-answer')?.ms];
    const answers = await line.ask(call, {
      ...(upMs !== undefined && { upMs }),
      ...(asideMs !== undefined && { asideMs }),
    });
    if (refusal?.reason === 'quota-exceeded') this.#refusals.delete(line);
    return answers;
  }

  awaitWelcome(keyPackageRef: Uint8Array, signal?: AbortSignal): Promise<WelcomeDelivery> {
    if (this.#isClosed) return Promise.reject(closed());
    const delivery = this.#welcomes.wait(keyPackageRef, signal);
    this.#use();
    if (this.#line !== undefined) this.#askForWelcome(this.#line, keyPackageRef);
    return delivery;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#options.relay.detach(this);
    this.#cancelRetry?.();
    this.#line?.cut(closed());
    this.#line = undefined;
    this.#welcomes.close(closed());
    this.#status.next({ kind: 'closed' });
    this.#status.complete();
    this.#quota.complete();
    for (const link of [...this.#links]) link.complete();
    return Promise.resolve();
  }

  enlist(link: TwinLink): void {
    if (this.#isClosed) {
      link.complete();
      return;
    }
    this.#links.add(link);
    if (this.#line !== undefined) link.attach(this.#line);
    this.#use();
  }

  dismiss(link: TwinLink): void {
    this.#links.delete(link);
  }

  /** Whether there is a connection to do something to. */
  get isOnline(): boolean {
    return this.#line !== undefined;
  }

  cut(cause: SkytaleError): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.cut(cause);
    this.#offline(cause);
    for (const link of [...this.#links]) link.detach(cause);
  }

  reachable(): void {
    if (this.#status.value.kind === 'offline') this.#retry(0);
  }

  /** The relay is out of reach from here. */
  cutOff(): void {
    this.#isCutOff = true;
    this.cut(lost());
  }

  /** The relay can be reached again. */
  letThrough(): void {
    this.#isCutOff = false;
  }

  /** Nothing passes on the connection, and neither end is told. */
  freeze(): void {
    this.#line?.freeze();
  }

  /** What was held back passes, as far as it is not held back still. */
  release(): void {
    for (const link of [...this.#links]) {
      if (!this.mischief.isReadingSlowly()) link.releaseCredit();
      link.flush();
    }
  }

  /**
   * A message of a round in which one was refused does not overtake it. A quota is used up at least until somebody hears of it: rounds do
   * not count it.
   */
  #refusalOf(
    line: Line,
    channel: ChannelName,
    [submission]: readonly Submission[],
    round: number,
  ): FaultOf<'refuse-publish'> | undefined {
    const earlier = this.#refusals.get(line);
    if (earlier === undefined || earlier.channel !== channel || submission?.kind !== 'message') return undefined;
    const isBehind = earlier.refusal.reason === 'quota-exceeded' || (round > 0 && round <= earlier.round);
    return isBehind ? { ...earlier.refusal, from: 0 } : undefined;
  }

  #use(): void {
    if (this.#status.value.kind !== 'idle' || this.#isClosed) return;
    this.#options.relay.attach(this);
    this.#firstAttempt = this.#connect().finally(() => {
      this.#isFirstAttemptOver = true;
    });
  }

  async #connect(): Promise<void> {
    const { relay, clock, networkClock = clock, latency, account } = this.#options;
    this.#attempt += 1;
    this.#status.next({ kind: 'connecting', attempt: this.#attempt });
    await new Promise<void>((resolve) => void clock.schedule(latency(), resolve));
    if (this.#isClosed || this.#line !== undefined) return;
    if (this.#isCutOff || !relay.isUp) {
      this.#offline(new TransportError('connection_error', 'the relay cannot be reached'));
      return;
    }
    this.#attempt = 0;
    const line = new Line(
      relay.connect(account, this.#options.agent),
      new Pipe(networkClock, latency),
      new Pipe(networkClock, latency),
    );
    this.#line = line;
    line.relay.quota$.subscribe({
      next: (quota) => {
        if (quota !== undefined) line.down.send(() => this.#quota.next(quota));
      },
      error: (error: unknown) => this.cut(error as SkytaleError),
    });
    this.#status.next({ kind: 'online' });
    for (const link of [...this.#links]) {
      // A handler may have ended this link or the transport meanwhile.
      if (!line.isAlive) return;
      if (this.#links.has(link)) link.attach(line);
    }
    for (const ref of this.#welcomes.refs) this.#askForWelcome(line, ref);
  }

  /** Asks on one connection. When that is lost, the next one asks again. */
  #askForWelcome(line: Line, ref: Uint8Array): void {
    const { relay } = this.#options;
    line
      .ask(async () => {
        const delivery = await Promise.race([line.relay.awaitWelcome(ref), relay.falseWelcome(ref)]);
        const faults = this.mischief.welcome();
        for (const fault of faults) this.mischief.fired(fault);
        if (faults.some(({ kind }) => kind === 'lose-welcome')) this.cut(lost());
        if (faults.some(({ kind }) => kind === 'repeat-welcome')) {
          line.down.send(() => this.#welcomes.deliver(ref, delivery));
        }
        return delivery;
      })
      .then(
        (delivery) => this.#welcomes.deliver(ref, delivery),
        (error: unknown) => {
          if (line.isAlive) this.#welcomes.refuse(ref, error as SkytaleError);
        },
      );
  }

  /** Of commits that have lost, a lying relay hands out the Welcomes. */
  #handOutLosers(channel: ChannelName, submissions: readonly Submission[], answers: readonly PublishAnswer[]): void {
    for (const [index, { welcomes = [] }] of submissions.entries()) {
      const answer = answers[index];
      if (welcomes.length === 0 || answer?.kind !== 'refused' || answer.reason !== 'epoch-decided') continue;
      for (const fault of this.mischief.lostCommit()) {
        this.mischief.fired(fault);
        this.#options.relay.handOut(channel, welcomes);
      }
    }
  }

  #offline(cause: SkytaleError): void {
    const retryInMs = this.#options.retryInMs();
    this.#status.next({ kind: 'offline', attempt: this.#attempt, retryInMs, cause });
    this.#retry(retryInMs);
  }

  #retry(inMs: number): void {
    this.#cancelRetry?.();
    if (this.#isClosed) return;
    this.#cancelRetry = this.#options.clock.schedule(inMs, () => {
      if (this.#status.value.kind === 'offline') void this.#connect();
    });
  }
}

function refused({ reason, retryAfterMs }: FaultOf<'refuse-publish'>): PublishAnswer {
  const refusal = { kind: 'refused', reason, detail: '', currentEpoch: 0n } as const;
  return reason === 'unavailable' ? refusal : { ...refusal, retryAfterMs };
}

function lost(): TransportError {
  return new TransportError('connection_lost', 'the connection to the relay is lost');
}

function closed(): TransportError {
  return new TransportError('connection_lost', 'the transport was closed');
}
