import type { ChannelName } from '../../base/channel-name.ts';
import { TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { StateSubject } from '../../streams/index.ts';
import type { StateObservable } from '../../streams/index.ts';
import { checkLinkOptions } from '../check.ts';
import { copySubmission } from '../copy-submission.ts';
import type {
  ChannelLink,
  LinkOptions,
  NoticeTopic,
  PublishAnswer,
  Quota,
  RelayTransport,
  TransportStatus,
  WelcomeDelivery,
} from '../relay-transport.ts';
import { isSameQuota } from '../same-quota.ts';
import { WelcomeDesk } from '../welcome-desk.ts';
import { refusalError } from '../wire/refusals.ts';
import type { MemoryClient, MemoryHub, MemoryPublish } from './memory-hub.ts';
import { MemoryLink } from './memory-link.ts';
import type { MemoryLinkHost } from './memory-link.ts';

/** One connection. What was handed to it before its loss has no effect after it. */
interface Connection {
  isAlive: boolean;
}

/** A client of a memory relay. */
export class MemoryTransport implements RelayTransport, MemoryClient, MemoryLinkHost {
  readonly isAuthenticated: boolean;
  readonly status$: StateObservable<TransportStatus>;
  readonly quota$: StateObservable<Quota | undefined>;
  readonly #hub: MemoryHub;
  readonly #account: string | undefined;
  readonly #status = new StateSubject<TransportStatus>({ kind: 'idle' });
  readonly #quota = new StateSubject<Quota | undefined>(undefined, isSameQuota);
  readonly #links = new Set<MemoryLink>();
  readonly #welcomes = new WelcomeDesk();
  #connection: Connection | undefined;
  /** Publishes that were called before its end wait for it. */
  #firstAttempt: Promise<void> | undefined;
  #isFirstAttemptOver = false;
  #attempt = 0;
  #isClosed = false;

  constructor(hub: MemoryHub, account: string | undefined) {
    this.#hub = hub;
    this.#account = account;
    this.isAuthenticated = account !== undefined;
    this.status$ = this.#status.asObservable();
    this.quota$ = this.#quota.asObservable();
  }

  open(options: LinkOptions): ChannelLink {
    checkLinkOptions(options);
    return new MemoryLink(options, this.#hub.log(options.channel), this);
  }

  get isOnline(): boolean {
    return this.#status.value.kind === 'online';
  }

  isOpen(channel: ChannelName): boolean {
    return this.#hub.isOpenTo(channel, this.#account);
  }

  async publish(publish: MemoryPublish): Promise<readonly PublishAnswer[]> {
    // As of the call: the wire would have taken the bytes now.
    const copy = { ...publish, submissions: publish.submissions.map(copySubmission) };
    this.#use();
    const isFirst = !this.#isFirstAttemptOver;
    const connectionAtCall = this.#connection;
    // All wait here, so that publishes keep the order of their calls.
    await this.#firstAttempt;
    if (this.#isClosed) throw closed();
    const connection = connectionAtCall ?? (isFirst ? this.#connection : undefined);
    if (connection === undefined) {
      throw new TransportError('connection_error', 'there is no connection to the relay');
    }
    checkAlive(connection);
    const caller = { account: this.#account, client: this, connection };
    const answers = this.#hub.publish(caller, copy);
    const quota = this.#hub.quota(caller);
    await Promise.resolve();
    checkAlive(connection);
    this.#quota.next(quota);
    return answers;
  }

  awaitWelcome(keyPackageRef: Uint8Array, signal?: AbortSignal): Promise<WelcomeDelivery> {
    if (this.#isClosed) return Promise.reject(closed());
    const delivery = this.#welcomes.wait(keyPackageRef, signal);
    this.#use();
    this.wake();
    return delivery;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#hub.leave(this);
    if (this.#connection !== undefined) this.#connection.isAlive = false;
    this.#connection = undefined;
    this.#welcomes.close(closed());
    this.#status.next({ kind: 'closed' });
    this.#status.complete();
    this.#quota.complete();
    for (const link of [...this.#links]) link.complete();
    return Promise.resolve();
  }

  enlist(link: MemoryLink): void {
    if (this.#isClosed) {
      link.complete();
      return;
    }
    this.#links.add(link);
    if (this.isOnline) link.attach();
    this.#use();
  }

  dismiss(link: MemoryLink): void {
    this.#links.delete(link);
  }

  wake(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    queueMicrotask(() => {
      if (!connection.isAlive || !this.isOnline) return;
      for (const ref of this.#welcomes.refs) {
        const delivery = this.#hub.welcome(ref, this.#account);
        if (delivery === 'taken') this.#welcomes.refuse(ref, refusalError('unauthorized', ''));
        else if (delivery !== undefined) this.#welcomes.deliver(ref, delivery);
      }
      for (const link of [...this.#links]) link.wake();
    });
  }

  notice(channel: ChannelName, topic: NoticeTopic): void {
    for (const link of this.#links) link.notice(channel, topic);
    this.wake();
  }

  cut(cause: SkytaleError): void {
    if (this.#connection !== undefined) this.#connection.isAlive = false;
    this.#connection = undefined;
    if (!this.isOnline) return;
    this.#offline(cause);
    for (const link of [...this.#links]) link.detach(cause);
  }

  reachable(): void {
    if (this.#status.value.kind === 'offline') void this.#connect();
  }

  #use(): void {
    if (this.#status.value.kind !== 'idle' || this.#isClosed) return;
    this.#hub.join(this);
    this.#firstAttempt = this.#connect().finally(() => {
      this.#isFirstAttemptOver = true;
    });
  }

  async #connect(): Promise<void> {
    this.#attempt += 1;
    this.#status.next({ kind: 'connecting', attempt: this.#attempt });
    await Promise.resolve();
    if (this.#isClosed) return;
    if (!this.#hub.isOnline) {
      this.#offline(new TransportError('connection_error', 'the relay cannot be reached'));
      return;
    }
    this.#attempt = 0;
    const connection = { isAlive: true };
    this.#connection = connection;
    this.#status.next({ kind: 'online' });
    for (const link of [...this.#links]) {
      // A handler may have ended this link or the transport meanwhile.
      if (!connection.isAlive) return;
      if (this.#links.has(link)) link.attach();
    }
    this.wake();
  }

  /** There is nothing to wait for but `restore`, and that is told: no time passes in between. */
  #offline(cause: SkytaleError): void {
    this.#status.next({ kind: 'offline', attempt: this.#attempt, retryInMs: 0, cause });
  }
}

function checkAlive(connection: Connection): void {
  if (!connection.isAlive) throw new TransportError('connection_lost', 'the connection to the relay is lost');
}

function closed(): TransportError {
  return new TransportError('connection_lost', 'the transport was closed');
}
