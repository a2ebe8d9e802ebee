import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { HealthWatch } from '../../src/relay/health-watch.ts';
import type { EngineHealth, LogEngine } from '../../src/relay/engine/log-engine.ts';
import { PrometheusMetrics } from '../../src/relay/metrics/prometheus-metrics.ts';
import { healthRoutes, operatorRoutes } from '../../src/relay/operator-routes.ts';
import { A } from './access/support/guarded-relay.ts';
import { claimsAt, hs256, SECRET } from './access/support/tokens.ts';
import { RawClient } from './support/raw-client.ts';
import { startTestRelay } from './support/relay.ts';
import { CHANNEL, commit, fresh, message, messages, OTHER_GROUP } from './support/submissions.ts';
import { TestClock } from './support/test-clock.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };
const OPEN = 'the relay is open: who reaches it may write to every channel and read its ciphertext';

/** Samples of Prometheus' text format: `name{labels}` and value. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

describe('/metrics', () => {
  test('counts what happens, and names no channel, account, token, id or address', async () => {
    const relay = await startTestRelay({ auth: { secrets: [{ secret: SECRET }] } });
    const token = hs256(claimsAt(Date.now(), { sub: A }));
    const alice = await RawClient.connect(relay.endpoint, token);
    alice.subscribe(1);
    await alice.publish([...messages(4), commit(0n, [{ keyPackageRefs: [fresh(32)], payload: fresh(80) }])]);
    await alice.entriesUpTo(1, 5);
    const refused = await alice.publish([message(9n)]);
    expect(refused).toMatchObject([{ kind: 'refused', reason: 'epoch-unknown' }]);
    expect(await alice.publish([message()], CHANNEL, OTHER_GROUP)).toMatchObject([{ reason: 'foreign-group' }]);
    const intruder = new RawClient(relay.endpoint, 'no-token');
    await intruder.ended;

    const samples = await scrape(`${relay.endpoint}/metrics`);
    const value = (name: string): number | undefined => samples.get(`skytale_relay_${name}`);
    expect(value('stored_entries_total')).toBe(5);
    expect(value('stored_bytes_total')).toBe(4 * 40 + 60);
    expect(value('store_seconds_count')).toBe(1);
    expect(value('delivered_entries_total')).toBe(5);
    expect(value('refused_total{reason="epoch-unknown"}')).toBe(1);
    expect(value('refused_total{reason="foreign-group"}')).toBe(1);
    expect(value('sessions')).toBe(1);
    expect(value('subscriptions')).toBe(1);
    expect(value('connections_total')).toBeGreaterThanOrEqual(3);
    expect(value('engine_status{engine="sqlite",durability="disk",status="ok"}')).toBe(1);
    expect(samples.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(0);

    // Whatever tells one client from another would be a label.
    const own = [...samples.keys()].filter((key) => key.startsWith('skytale_'));
    const labels = new Set(
      own.flatMap((key) => [...key.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, word]) => `${name} ${word}`)),
    );
    expect([...labels].filter((label) => !label.startsWith('le ')).sort()).toEqual([
      'durability disk',
      'engine sqlite',
      'reason epoch-unknown',
      'reason foreign-group',
      'reason unauthorized',
      'status degraded',
      'status failing',
      'status ok',
    ]);
    const text = [...samples.keys()].join('\n');
    for (const secret of [CHANNEL, 'acme', A, token, token.split('.')[1]!, SECRET, '127.0.0.1']) {
      expect(text).not.toContain(secret);
    }
  });

  test('relays in one process count each for itself', async () => {
    const [one, other] = [await startTestRelay(), await startTestRelay()];
    await (await RawClient.connect(one.endpoint)).publish(messages(3));
    expect((await scrape(`${one.endpoint}/metrics`)).get('skytale_relay_stored_entries_total')).toBe(3);
    expect((await scrape(`${other.endpoint}/metrics`)).get('skytale_relay_stored_entries_total')).toBe(0);
  });
});

describe('/health and /ready', () => {
  test('say that the relay serves, in one line and at length', async () => {
    const relay = await startTestRelay({ operatorAddress: LOCAL });
    for (const url of [relay.endpoint, relay.operatorEndpoint]) {
      const response = await fetch(`${url}/health`);
      expect([response.status, await response.text()]).toEqual([200, '{"status":"ok"}']);
    }
    const ready = await fetch(`${relay.operatorEndpoint}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: 'ok', engine: 'sqlite', durability: 'disk', warnings: [OPEN] });
  });

  test('details and metrics leave the port for clients when the operator has one', async () => {
    const relay = await startTestRelay({ operatorAddress: LOCAL });
    for (const path of ['/ready', '/metrics']) {
      expect((await fetch(`${relay.endpoint}${path}`)).status).toBe(404);
      expect((await fetch(`${relay.operatorEndpoint}${path}`)).status).toBe(200);
    }
    const alone = await startTestRelay();
    expect((await fetch(`${alone.endpoint}/ready`)).status).toBe(200);
    expect(alone.operatorEndpoint).toBeUndefined();
  });

  test.each([
    ['GET', '/nothing', 404],
    ['POST', '/health', 405],
    ['HEAD', '/health', 200],
    ['GET', '/health?verbose=1', 200],
  ])('%s %s is answered %i', async (method, path, status) => {
    const relay = await startTestRelay({ operatorAddress: LOCAL });
    const response = await fetch(`${relay.operatorEndpoint}${path}`, { method });
    expect(response.status).toBe(status);
    if (method === 'HEAD') expect(await response.text()).toBe('');
  });

  test('say 503 while the log cannot be written, and while the relay drains', async () => {
    let isDraining = false;
    let status: EngineHealth['status'] = 'failing';
    const sources = {
      registry: new PrometheusMetrics().registry,
      isDraining: () => isDraining,
      health: (): Promise<EngineHealth> =>
        Promise.resolve({ engine: 'sqlite', status, durability: 'disk', warnings: ['the disk is full'], details: {} }),
      warnings: () => ['the clock has jumped'],
    };
    const ask = async (path: string): Promise<unknown[]> => {
      const answer = await operatorRoutes(sources).get(path)!();
      return [answer.status, JSON.parse(answer.body) as unknown];
    };
    expect(await ask('/health')).toEqual([503, { status: 'failing' }]);
    status = 'degraded';
    expect(await ask('/health')).toEqual([200, { status: 'ok' }]);
    expect(await ask('/ready')).toEqual([
      200,
      {
        status: 'degraded',
        engine: 'sqlite',
        durability: 'disk',
        details: {},
        warnings: ['the disk is full', 'the clock has jumped'],
      },
    ]);
    isDraining = true;
    expect(await ask('/health')).toEqual([503, { status: 'draining' }]);
    expect(await ask('/ready')).toMatchObject([503, { status: 'draining' }]);
    expect([...healthRoutes(sources).keys()]).toEqual(['/health']);
  });

  test('the engine is asked once a second, however many ask', async () => {
    const clock = new TestClock();
    let asked = 0;
    const engine = { health: () => Promise.resolve(++asked) } as unknown as LogEngine;
    const watch = new HealthWatch(engine, clock);
    for (let i = 0; i < 50; i += 1) await watch.health();
    expect(asked).toBe(1);
    clock.advance(1000);
    await watch.health();
    clock.jump(-3_600_000);
    await watch.health();
    expect(asked).toBe(3);
  });

  test('a balancer sees that the relay drains before it takes no more connections', async () => {
    const clock = new TestClock();
    const relay = await startTestRelay({ drainPauseMs: 5000, clock });
    const closed = relay.close();
    const health = await fetch(`${relay.endpoint}/health`);
    expect([health.status, await health.text()]).toEqual([503, '{"status":"draining"}']);
    const late = await RawClient.connect(relay.endpoint); // one that the balancer had sent already
    expect(await late.publish([message()])).toMatchObject([{ kind: 'accepted' }]);
    clock.advance(5000);
    await closed;
    expect((await late.ended).code).toBe(14);
    const refused = connect(relay.port, '127.0.0.1');
    await expect(once(refused, 'connect')).rejects.toThrow(/ECONNREFUSED/);
  });
});
