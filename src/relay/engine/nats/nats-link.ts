import { readFile } from 'node:fs/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, nkeyAuthenticator } from '@nats-io/transport-node';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { RuntimeError } from '../../../base/errors.ts';
import type { NatsConnectionOptions } from './nats-options.ts';
import { requireServerVersion } from './server-version.ts';

/** The library keeps publishes that wait at a lost connection, so a request ends by this and is made again. */
const REQUEST_TIMEOUT_MS = 2000;
/** A server that stands still is left after two of these. */
const PING_INTERVAL_MS = 2500;

/** The connection to the servers. Reconnects for ever, to any of them. */
export class NatsLink {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly #onWarning: (message: string) => void;
  #isUp = true;
  #isClosing = false;
  /** Set when the servers are not fit for use any more. */
  #failure: RuntimeError | undefined;
  readonly #onUp = new Set<() => void>();
  readonly #onChange = new Set<(isUp: boolean) => void>();

  private constructor(connection: NatsConnection, manager: JetStreamManager, onWarning: (message: string) => void) {
    this.connection = connection;
    this.manager = manager;
    this.client = jetstream(connection, { timeout: REQUEST_TIMEOUT_MS });
    this.#onWarning = onWarning;
    void this.#watch();
  }

  /** @throws {@link RuntimeError} `store_error` if no server is there, lets us in and is new enough. */
  static async connect(options: NatsConnectionOptions, onWarning: (message: string) => void): Promise<NatsLink> {
    let connection: NatsConnection;
    try {
      connection = await connect(await connectionOptions(options));
    } catch (cause) {
      throw new RuntimeError('store_error', 'cannot connect to a nats-server', { cause });
    }
    try {
      requireServerVersion(connection.info?.version ?? 'of an unknown version');
      const manager = await jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
      await manager.getAccountInfo();
      return new NatsLink(connection, manager, onWarning);
    } catch (error) {
      await connection.close();
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError('store_error', 'nats-server does not offer JetStream to this user', { cause: error });
    }
  }

  /** Whether there is a connection, to a server that is new enough. */
  get isUp(): boolean {
    return this.#isUp && this.#failure === undefined;
  }

  get serverVersion(): string {
    return this.connection.info?.version ?? 'unknown';
  }

  /** Bytes that one message may have, headers included. */
  get maxPayload(): number {
    return this.connection.info?.max_payload ?? 1024 * 1024;
  }

  /** Calls `listener` as the connection comes and goes; the returned function ends that. */
  onChange(listener: (isUp: boolean) => void): () => void {
    this.#onChange.add(listener);
    return () => this.#onChange.delete(listener);
  }

  /** Resolves when there is a connection, or when there will be none. */
  up(): Promise<void> {
    if (this.isUp || this.#isClosing) return Promise.resolve();
    return new Promise((resolve) => this.#onUp.add(resolve));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#settle();
    await this.connection.close();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.#isClosing) continue;
      if (type === 'disconnect') {
        this.#onWarning('the connection to nats-server is lost');
        this.#change(false);
      } else if (type === 'reconnect') {
        this.#greet();
      }
    }
  }

  #greet(): void {
    this.#failure = undefined;
    try {
      requireServerVersion(this.serverVersion);
    } catch (error) {
      this.#failure = error as RuntimeError;
      this.#onWarning(this.#failure.message);
      return;
    }
    this.#onWarning('connected to nats-server again');
    this.#change(true);
  }

  #change(isUp: boolean): void {
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    for (const listener of this.#onChange) listener(isUp);
    if (isUp) this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#onUp) resolve();
    this.#onUp.clear();
  }
}

async function connectionOptions(options: NatsConnectionOptions): Promise<NodeConnectionOptions> {
  const { servers, user, password, token, credentialsFile, nkeySeed, tls } = options;
  return {
    servers: typeof servers === 'string' ? servers : [...servers],
    name: 'skytale-relay',
    maxReconnectAttempts: -1,
    // A user that is refused while the servers restart may be welcome a moment later.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    timeout: 5000,
    noAsyncTraces: true,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(credentialsFile === undefined ? {} : { authenticator: credsAuthenticator(await readFile(credentialsFile)) }),
    ...(nkeySeed === undefined ? {} : { authenticator: nkeyAuthenticator(Buffer.from(nkeySeed, 'utf8')) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.caFile === undefined ? {} : { caFile: tls.caFile }),
            ...(tls.certFile === undefined ? {} : { certFile: tls.certFile }),
            ...(tls.keyFile === undefined ? {} : { keyFile: tls.keyFile }),
            handshakeFirst: tls.isHandshakeFirst ?? false,
          },
        }),
  };
}
