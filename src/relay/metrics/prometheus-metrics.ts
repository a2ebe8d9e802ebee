import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RefusalReason } from '../../transport/index.ts';
import type { EngineHealth } from '../engine/log-engine.ts';
import type { ConnectionCut, RelayMetrics } from '../relay-metrics.ts';
import type { RelayLoad } from '../relay-load.ts';

/** What is a state and no event, asked for at each scrape. */
export interface MetricsSources {
  readonly load: () => RelayLoad;
  readonly health: () => Promise<EngineHealth>;
}

const STATUSES = ['ok', 'degraded', 'failing'] as const satisfies readonly EngineHealth['status'][];

/** From a fast disk to the point where clients give up, in seconds. */
const STORE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/**
 * Counts what happens in one relay, for Prometheus. Each relay has a registry of its own: two in one process do not mix.
 * Labels hold reasons from fixed lists only, so neither the number of series nor what they tell grows with the clients.
 */
export class PrometheusMetrics implements RelayMetrics {
  readonly registry: Registry = new Registry();
  readonly #connections = this.#counter('connections_total', 'Connections that were let in.');
  readonly #cut = this.#counter('connections_cut_total', 'Connections turned away or cut off by the relay.', 'reason');
  readonly #storedEntries = this.#counter('stored_entries_total', 'Entries stored in the log.');
  readonly #storedBytes = this.#counter('stored_bytes_total', 'Bytes of the payloads that were stored.');
  readonly #storeSeconds = new Histogram({
    name: 'skytale_relay_store_seconds',
    help: 'Time from the arrival of a publish until it was stored.',
    buckets: STORE_SECONDS,
    registers: [this.registry],
  });
  readonly #refused = this.#counter(
    'refused_total',
    'Submissions, subscriptions and connections that were refused.',
    'reason',
  );
  readonly #deliveredEntries = this.#counter('delivered_entries_total', 'Entries handed to connections.');
  readonly #deliveredBytes = this.#counter('delivered_bytes_total', 'Bytes handed to connections.');
  readonly #trimmed = this.#counter('trimmed_entries_total', 'Entries that retention has taken.');

  connectionOpened(): void {
    this.#connections.inc();
  }

  connectionCut(reason: ConnectionCut): void {
    this.#cut.inc({ reason });
  }

  stored(entries: number, bytes: number, seconds: number): void {
    this.#storedEntries.inc(entries);
    this.#storedBytes.inc(bytes);
    this.#storeSeconds.observe(seconds);
  }

  refused(reason: RefusalReason): void {
    this.#refused.inc({ reason });
  }

  delivered(entries: number, bytes: number): void {
    this.#deliveredEntries.inc(entries);
    this.#deliveredBytes.inc(bytes);
  }

  trimmed(entries: number): void {
    this.#trimmed.inc(entries);
  }

  /** Reads the gauges from `sources` at each scrape from now on. */
  watch({ load, health }: MetricsSources): void {
    const gauge = (name: string, help: string, value: (load: RelayLoad) => number): void => {
      new Gauge({
        name: `skytale_relay_${name}`,
        help,
        registers: [this.registry],
        collect() {
          this.set(value(load()));
        },
      });
    };
    gauge('connections', 'Connections that are open.', ({ connections }) => connections);
    gauge('sessions', 'Clients that are served.', ({ sessions }) => sessions);
    gauge('subscriptions', 'Subscriptions that are open.', ({ subscriptions }) => subscriptions);
    gauge('unread_bytes', 'Bytes that clients have not taken yet.', ({ unreadBytes }) => unreadBytes);
    gauge('unanswered_bytes', 'Bytes of publishes without an answer yet.', ({ unansweredBytes }) => unansweredBytes);
    gauge('recent_bytes', 'Bytes of newest entries kept for subscribers.', ({ recentBytes }) => recentBytes);
    new Gauge({
      name: 'skytale_relay_engine_status',
      help: '1 for the status that the log engine is in, 0 for the others.',
      labelNames: ['engine', 'durability', 'status'],
      registers: [this.registry],
      async collect() {
        const { engine, durability, status: current } = await health();
        this.reset();
        for (const status of STATUSES) this.set({ engine, durability, status }, status === current ? 1 : 0);
      },
    });
  }

  #counter<Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `skytale_relay_${name}`, help, labelNames, registers: [this.registry] });
  }
}
