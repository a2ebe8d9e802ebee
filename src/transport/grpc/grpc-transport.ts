import type { ChannelName } from '../../base/channel-name.ts';
import { AuthError, TransportError, toSkytaleError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { StateSubject } from '../../streams/index.ts';
import type { StateObservable } from '../../streams/index.ts';
import { checkLinkOptions } from '../check.ts';
import type {
  ChannelLink,
  LinkOptions,
  PublishAnswer,
  Quota,
  RefusalReason,
  RelayTransport,
  Submission,
  TransportStatus,
  WelcomeDelivery,
} from '../relay-transport.ts';
import { isSameQuota } from '../same-quota.ts';
import { WelcomeDesk } from '../welcome-desk.ts';
import { FirstPublishes } from './first-publishes.ts';
import { GrpcLink } from './link.ts';
import type { LinkHost } from './link.ts';
import type { TransportSettings } from './options.ts';
import { Reconnects } from './reconnects.ts';
import type { ConnectionEnd } from './reconnects.ts';
import { RelaySession } from './session.ts';
import type { SessionEnd } from './session-handlers.ts';
import { TokenSource } from './token-source.ts';
import type { OfferedToken } from './token-source.ts';

type Ending =
  | { readonly kind: 'closed'; readonly error: SkytaleError }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly error: SkytaleError };

/** Keeps one {@link RelaySession} alive after another and carries links and waiting calls across them. */
export class GrpcTransport implements RelayTransport, LinkHost {
  readonly isAuthenticated: boolean;
  readonly status$: StateObservable<TransportStatus>;
  readonly quota$: StateObservable<Quota | undefined>;
  readonly #settings: TransportSettings;
  readonly #status = new StateSubject<TransportStatus>({ kind: 'idle' });
  readonly #quota = new StateSubject<Quota | undefined>(undefined, isSameQuota);
  readonly #reconnects: Reconnects;
  readonly #tokens: TokenSource;
  readonly #links = new Set<GrpcLink>();
  readonly #welcomes = new WelcomeDesk();
  readonly #firstPublishes = new FirstPublishes();
  #attempt = 0;
  #isStarted = false;
  /** Whether the relay has ever taken a token of this client. */
  #wasLetIn = false;
  /** Of the wait before the next attempt. */
  #cancelTimer: () => void = () => undefined;
  /** The connection under way or in use. */
  #session: RelaySession | undefined;
  /** The same, once it is ready. */
  #online: RelaySession | undefined;
  #ending: Ending | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: TransportSettings) {
    this.#settings = settings;
    this.status$ = this.#status.asObservable();
    this.quota$ = this.#quota.asObservable();
    this.isAuthenticated = settings.token !== undefined;
    this.#reconnects = new Reconnects(settings);
    this.#tokens = new TokenSource({
      clock: settings.clock,
      ask: settings.token ?? (() => Promise.resolve(undefined)),
      timeoutMs: settings.connectTimeoutMs,
    });
  }

  open(options: LinkOptions): ChannelLink {
    checkLinkOptions(options);
    return new GrpcLink(options, this);
  }

  awaitWelcome(keyPackageRef: Uint8Array, signal?: AbortSignal): Promise<WelcomeDelivery> {
    if (this.#ending !== undefined) return Promise.reject(this.#ending.error);
    const delivery = this.#welcomes.wait(keyPackageRef, signal);
    if (signal?.aborted !== true) {
      this.#online?.awaitWelcome(keyPackageRef);
      this.#use();
    }
    return delivery;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  enlist(link: GrpcLink): void {
    if (this.#ending !== undefined) {
      endLink(link, this.#ending);
      return;
    }
    this.#links.add(link);
    if (this.#online !== undefined) link.attach(this.#online);
    this.#use();
  }

  dismiss(link: GrpcLink): void {
    this.#links.delete(link);
  }

  publish(
    channel: ChannelName,
    group: Uint8Array,
    submissions: readonly Submission[],
    round: number,
  ): Promise<readonly PublishAnswer[]> {
    if (this.#ending !== undefined) return Promise.reject(this.#ending.error);
    if (this.#online !== undefined) return this.#online.publish(channel, group, submissions, round);
    const { kind } = this.#status.value;
    if (this.#firstPublishes.isOpen && (kind === 'idle' || kind === 'connecting')) {
      const answers = this.#firstPublishes.wait((session) => session.publish(channel, group, submissions, round));
      this.#use();
      return answers;
    }
    const cause = kind === 'offline' ? (this.#status.value as { readonly cause: SkytaleError }).cause : undefined;
    return Promise.reject(new TransportError('connection_error', 'there is no connection to the relay', { cause }));
  }

  #use(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#connect();
  }

  /** One attempt. Whatever becomes of it ends in {@link #ready} or {@link #lost}, or in nothing if the transport ended. */
  async #connect(): Promise<void> {
    this.#attempt += 1;
    this.#status.next({ kind: 'connecting', attempt: this.#attempt });
    let offered: OfferedToken;
    try {
      offered = await this.#tokens.get();
    } catch (thrown) {
      if (this.#ending !== undefined) return;
      const error = toSkytaleError(thrown);
      if (error instanceof AuthError) this.#refuse('unauthorized', error);
      else this.#lost('lost', error);
      return;
    }
    if (this.#ending !== undefined) return;
    const { relay } = this.#reconnects;
    const session = new RelaySession(
      this.#settings,
      { relay, token: offered.token },
      {
        ready: () => this.#ready(session),
        welcome: (keyPackageRef, delivery) => this.#welcomes.deliver(keyPackageRef, delivery),
        welcomeRefused: (keyPackageRef, error) => this.#welcomes.refuse(keyPackageRef, error),
        quota: (quota) => this.#quota.next(quota),
        freshToken: () => this.#tokens.fresh(),
        ended: (end) => {
          if (this.#session === session) this.#ended(end, offered.isFresh);
        },
      },
    );
    this.#session = session;
  }

  #ready(session: RelaySession): void {
    this.#online = session;
    this.#wasLetIn = true;
    this.#attempt = 0;
    this.#reconnects.succeeded();
    // First of all, so that what a subscriber publishes on the news comes after what was published before.
    this.#firstPublishes.release(session);
    for (const ref of this.#welcomes.refs) session.awaitWelcome(ref);
    this.#status.next({ kind: 'online' });
    for (const link of [...this.#links]) {
      // A handler may have ended this link, or the transport, or subscribed anew meanwhile.
      if (this.#online !== session) return;
      if (this.#links.has(link) && !link.isAttached) link.attach(session);
    }
  }

  #ended(end: SessionEnd, wasTokenFresh: boolean): void {
    if (end.kind === 'refused') {
      this.#refuse(end.reason, end.error);
      return;
    }
    if (end.kind === 'unauthenticated') {
      // One that was taken has ended, and one from an earlier attempt may have. One that was made for this attempt is no good,
      // and at a relay that never took any the next will not be better. Where one was taken before, something passes: a
      // secret is being changed, a clock is being set. Whether the account still gets tokens, its issuer says.
      if (!this.#wasLetIn && wasTokenFresh) {
        this.#refuse('unauthorized', end.error);
        return;
      }
      this.#tokens.discard();
    }
    this.#lost(end.kind, end.error);
  }

  #refuse(reason: RefusalReason, error: SkytaleError): void {
    this.#session = undefined;
    this.#online = undefined;
    this.#end({ kind: 'refused', reason, error }, { kind: 'refused', cause: error });
  }

  #lost(end: ConnectionEnd, error: SkytaleError): void {
    this.#session = undefined;
    this.#online = undefined;
    const retryInMs = this.#reconnects.ended(end);
    if (retryInMs > 0) {
      this.#cancelTimer = this.#settings.clock.schedule(retryInMs, () => void this.#connect());
      this.#firstPublishes.fail(error);
    }
    this.#status.next({ kind: 'offline', attempt: this.#attempt, retryInMs, cause: error });
    for (const link of [...this.#links]) link.detach(error);
    // A handler may have ended the transport meanwhile.
    if (retryInMs === 0 && this.#ending === undefined) void this.#connect();
  }

  #end(ending: Ending, status: TransportStatus): void {
    this.#ending = ending;
    this.#cancelTimer();
    this.#tokens.close();
    this.#firstPublishes.fail(ending.error);
    this.#welcomes.close(ending.error);
    this.#status.next(status);
    for (const link of [...this.#links]) endLink(link, ending);
  }

  async #close(): Promise<void> {
    const released = this.#session?.close();
    this.#session = undefined;
    this.#online = undefined;
    const error = new TransportError('connection_lost', 'the transport was closed');
    this.#end({ kind: 'closed', error }, { kind: 'closed' });
    this.#status.complete();
    this.#quota.complete();
    await released;
  }
}

function endLink(link: GrpcLink, ending: Ending): void {
  if (ending.kind === 'refused') link.refused(ending.reason, ending.error);
  else link.complete();
}
