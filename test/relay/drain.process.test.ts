import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SkytaleError } from '../../src/base/errors.ts';
import { connectRelay } from '../../src/transport/index.ts';
import type { ChannelLink, LogEntry, RelayTransport, Submission } from '../../src/transport/index.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { freePort } from '../support/free-port.ts';
import { Recording } from '../transport/support/recording.ts';
import { spawnRelay } from './support/relay-process.ts';
import type { RelayProcess } from './support/relay-process.ts';
import { CHANNEL, GROUP, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const BATCHES = 60;
const BATCH = 10;

function client(endpoint: string | string[]): RelayTransport {
  const transport = connectRelay({ endpoint, minReconnectDelayMs: 5, maxReconnectDelayMs: 50 });
  onTestFinished(() => transport.close());
  return transport;
}

/** Publishes as an outbox does: again under the same ids until the relay has it. Resolves to the sequence numbers. */
async function publishSurely(transport: RelayTransport, link: ChannelLink, batch: Submission[]): Promise<number[]> {
  for (;;) {
    try {
      const answers = await link.publish(batch);
      if (answers.every(({ kind }) => kind === 'accepted')) {
        return answers.map((answer) => (answer.kind === 'accepted' ? answer.seq : -1));
      }
    } catch (error) {
      if (!(error instanceof SkytaleError)) throw error;
    }
    await new Recording(transport.status$).until((states) => states.at(-1)?.kind === 'online');
  }
}

/** Publishes and reads on `endpoint` while `disturb` does what it does; all that was accepted must have come, once, in order. */
async function runUnderLoad(endpoint: string | string[], disturb: (batch: number) => Promise<void>): Promise<void> {
  const open = (transport: RelayTransport): ChannelLink =>
    transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100_000 });
  const [writer, reader] = [client(endpoint), client(endpoint)];
  const link = open(writer);
  const received: LogEntry[] = [];
  const events = new Recording(open(reader).events$);
  await events.until((all) => all.some(({ kind }) => kind === 'caught-up'));

  const accepted: { readonly seq: number; readonly id: string }[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const disturbed = disturb(batch);
    const sent = messages(BATCH);
    const seqs = await publishSurely(writer, link, sent);
    seqs.forEach((seq, index) => accepted.push({ seq, id: hex(sent[index]!.messageId) }));
    await disturbed;
  }
  await events.until((all) => {
    received.length = 0;
    for (const event of all) if (event.kind === 'entries') received.push(...event.entries);
    return received.length >= BATCHES * BATCH;
  });
  expect(received.map(({ seq, messageId }) => ({ seq, id: hex(messageId) }))).toEqual(accepted);
  expect(received.map(({ prevSeq }) => prevSeq)).toEqual([0, ...received.slice(0, -1).map(({ seq }) => seq)]);
  expect(events.events.filter(({ kind }) => kind === 'gap' || kind === 'refused')).toEqual([]);
  expect(events.events.filter(({ kind }) => kind === 'offline').length).toBeGreaterThan(0);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

async function endsCleanly(relay: RelayProcess): Promise<void> {
  relay.kill('SIGTERM');
  expect(await relay.exited).toBe(0);
  expect(relay.stderr()).toContain('"msg":"relay has ended"');
}

describe.skipIf(natsMissing !== undefined)('two relays over one log', () => {
  let nats: NatsServers;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  test('clients go to the other relay when one is told to end, and lose nothing, twice over', async () => {
    const dataDirs = new Map<number, string>();
    const relay = (port: number): RelayProcess =>
      spawnRelay(
        ...['--port', String(port), '--engine', 'nats', '--set', 'engine.nats.replicas=1'],
        ...['--data-dir', dataDirs.get(port) as string],
        ...['--set', `engine.nats.servers=${nats.addresses.join(',')}`],
      );
    const [portA, portB] = [await freePort(), await freePort()];
    for (const port of [portA, portB]) dataDirs.set(port, await temporaryDirectory());
    const [first, second] = [relay(portA), relay(portB)];
    const endpoints = await Promise.all([first.endpoint, second.endpoint]);
    let third: RelayProcess | undefined;
    await runUnderLoad(endpoints, async (batch) => {
      if (batch === 20) await endsCleanly(first);
      if (batch === 30) await (third = relay(portA)).endpoint;
      if (batch === 40) await endsCleanly(second);
    });
    await endsCleanly(third!);
  });
});

describe('one relay', () => {
  test('that is told to end and started again under load loses nothing', async () => {
    const port = await freePort();
    const dataDir = await temporaryDirectory();
    const start = (): RelayProcess => spawnRelay('--port', String(port), '--data-dir', dataDir);
    let relay = start();
    await runUnderLoad(await relay.endpoint, async (batch) => {
      if (batch !== 15 && batch !== 40) return;
      await endsCleanly(relay);
      relay = start();
    });
    await endsCleanly(relay);
  });

  test('tells a balancer that it drains; the second signal ends it at once', async () => {
    const relay = spawnRelay(
      ...['--port', '0', '--data-dir', await temporaryDirectory(), '--set', 'server.drain_pause_ms=600000'],
    );
    const endpoint = await relay.endpoint;
    relay.kill('SIGTERM');
    let health: Response;
    do health = await fetch(`${endpoint}/health`);
    while (health.status === 200);
    expect([health.status, await health.text()]).toEqual([503, '{"status":"draining"}']);
    relay.kill('SIGTERM');
    expect(await relay.exited).toBe('SIGTERM');
  });
});
