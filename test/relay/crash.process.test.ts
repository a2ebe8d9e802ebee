import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import type { LogEntry, Submission } from '../../src/transport/index.ts';
import { RawClient } from './support/raw-client.ts';
import { spawnRelay } from './support/relay-process.ts';
import { messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const ROUNDS = 8;
const CHANNELS = ['acme/crash/one', 'acme/crash/two', 'acme/crash/three'];
const BATCHES_IN_FLIGHT = 4;

/** What one publisher knows: the sequence number of what was acknowledged, and what has no answer yet. */
class Publisher {
  readonly channel: string;
  readonly acknowledged = new Map<string, number>();
  unanswered: Submission[][] = [];

  constructor(channel: string) {
    this.channel = channel;
  }

  /** Publishes until the connection ends; batches without an answer are kept. */
  async run(client: RawClient): Promise<void> {
    const lane = async (): Promise<void> => {
      for (;;) await this.publish(client, messages(16, 0n, 1024));
    };
    const lanes = Array.from({ length: BATCHES_IN_FLIGHT }, lane);
    await Promise.allSettled(lanes);
  }

  async publish(client: RawClient, batch: Submission[]): Promise<void> {
    this.unanswered.push(batch);
    const answers = await client.publish(batch, this.channel);
    this.unanswered = this.unanswered.filter((candidate) => candidate !== batch);
    answers.forEach((answer, index) => {
      if (answer.kind !== 'accepted') throw new Error(`refused: ${answer.reason}`);
      this.#note(batch[index] as Submission, answer.seq);
    });
  }

  #note({ messageId }: Submission, seq: number): void {
    const id = toHex(messageId);
    expect(this.acknowledged.get(id) ?? seq).toBe(seq);
    this.acknowledged.set(id, seq);
  }
}

async function readAll(client: RawClient, subscription: number, channel: string): Promise<LogEntry[]> {
  client.subscribe(subscription, { afterSeq: 0 }, 1_000_000, channel);
  const { headSeq } = await client.next('caughtUp', (value) => value.subscription === subscription);
  const entries = client.entries(subscription);
  expect(entries.at(-1)?.seq ?? 0).toBe(Number(headSeq));
  return entries;
}

test('a relay that is killed while it writes loses nothing that it acknowledged and stores nothing twice', async () => {
  const dataDir = await temporaryDirectory();
  const publishers = CHANNELS.map((channel) => new Publisher(channel));
  const known: Submission[] = [];
  let killedWithWorkUnderWay = 0;
  let port = '0';

  for (let round = 0; round < ROUNDS; round += 1) {
    const relay = spawnRelay('--data-dir', dataDir, '--port', port, '--log-level', 'error');
    const endpoint = await relay.endpoint;
    port = new URL(endpoint).port;
    const clients = await Promise.all(publishers.map(() => RawClient.connect(endpoint)));

    // What has no answer is sent again under its ids: stored in the round before or not, it must be there once.
    for (const [index, publisher] of publishers.entries()) {
      const again = publisher.unanswered.splice(0);
      for (const batch of again) await publisher.publish(clients[index] as RawClient, batch);
      known.push(...again.flat());
    }
    const load = Promise.all(publishers.map((publisher, index) => publisher.run(clients[index] as RawClient)));
    const killAfterMs = 20 + Math.floor(Math.random() * 150);
    await wait(killAfterMs); // the moment of the kill is the fault itself, not something to wait for
    relay.kill('SIGKILL');
    expect(await relay.exited).toBe('SIGKILL');
    await load;
    const open = publishers.reduce((sum, { unanswered }) => sum + unanswered.length, 0);
    if (open > 0) killedWithWorkUnderWay += 1;
    console.log(`round ${round}: killed after ${killAfterMs} ms with ${open} publishes under way`);
    for (const client of clients) client.close();
  }

  const relay = spawnRelay('--data-dir', dataDir, '--port', '0', '--log-level', 'error');
  const client = await RawClient.connect(await relay.endpoint);
  let acknowledged = 0;
  for (const [index, publisher] of publishers.entries()) {
    const entries = await readAll(client, index + 1, publisher.channel);
    const seqById = new Map(entries.map(({ messageId, seq }) => [toHex(messageId), seq]));
    expect(seqById.size).toBe(entries.length);
    entries.forEach(({ seq, prevSeq }, position) => expect([seq, prevSeq]).toEqual([position + 1, position]));
    for (const [id, seq] of publisher.acknowledged) expect(seqById.get(id)).toBe(seq);
    acknowledged += publisher.acknowledged.size;
    // Asked once more, an id is answered with the number that it has.
    const sample = entries.filter((_, position) => position % 50 === 0).slice(0, 100);
    const answers = await client.publish(
      sample.map(({ kind, epoch, messageId, payload }) => ({ kind, epoch, messageId, payload })),
      publisher.channel,
    );
    expect(answers).toEqual(sample.map(({ seq }) => ({ kind: 'accepted', seq, duplicate: true })));
  }
  console.log(`${acknowledged} acknowledged, ${known.length} sent again after a kill`);
  expect(killedWithWorkUnderWay).toBeGreaterThan(ROUNDS / 2);
  expect(known.length).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(ROUNDS * 16);
});
