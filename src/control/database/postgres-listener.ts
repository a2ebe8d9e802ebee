import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { sleepUnlessAborted, systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import type { RelayLogger } from '../../relay/index.ts';
import { Backoff } from '../../streams/index.ts';
import { Listeners } from './listeners.ts';

/** Where changes are told (`NOTIFY`), by the topic. */
export const CHANGES_CHANNEL = 'skytale_changes';

/** Hears what processes tell each other through PostgreSQL, on a connection of its own that comes back when it breaks. */
export class PostgresListener {
  readonly #config: ClientConfig;
  readonly #logger: RelayLogger;
  readonly #listeners = new Listeners();
  readonly #end = new AbortController();
  #client: Client | undefined;
  #reconnecting: Promise<void> | undefined;

  constructor(config: ClientConfig, logger: RelayLogger) {
    this.#config = config;
    this.#logger = logger;
  }

  add(listener: (topic: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Rejects if the first connection fails. */
  async start(): Promise<void> {
    const client = new Client({ ...this.#config, keepAlive: true });
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#listeners.tell(payload);
    });
    client.on('error', (error) => this.#lost(client, error));
    client.on('end', () => this.#lost(client, undefined));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANGES_CHANNEL}`);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.#client = client;
    if (this.#end.signal.aborted) await client.end();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
    await this.#reconnecting;
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client || this.#end.signal.aborted) return;
    this.#client = undefined;
    this.#logger.warn({ err: error }, 'changes by other processes are not heard at once until the database is back');
    this.#reconnecting = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const ports = { clock: systemClock, random: systemRandom }; // the server lives in real time
    const backoff = new Backoff({ minMs: 100, maxMs: 10_000, jitter: 0.5 }, ports);
    while (await sleepUnlessAborted(systemClock, backoff.nextDelayMs(), this.#end.signal)) {
      try {
        await this.start();
        this.#logger.info({}, 'changes by other processes are heard again');
        return;
      } catch (error) {
        this.#logger.debug({ err: error }, 'the database is not back yet');
      }
    }
  }
}
