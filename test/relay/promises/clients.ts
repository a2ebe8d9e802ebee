import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import { connectRelay } from '../../../src/transport/index.ts';
import type { ChannelLink, LinkEvent, RelayTransport, Submission } from '../../../src/transport/index.ts';
import { commit, fresh, GROUP, message } from '../support/submissions.ts';
import type { History, Reading, Seen } from './history.ts';

/** Entries that a reader allows at once. */
const CREDIT = 256;

/** A client as users have it: reconnects by itself, goes on behind its cursor, submits again under the same ids. */
export class TestClient {
  readonly name: string;
  readonly channel: ChannelName;
  readonly transport: RelayTransport;
  readonly #history: History;
  #link: ChannelLink;

  constructor(name: string, endpoint: string, channel: string, history: History) {
    this.name = name;
    this.channel = parseChannelName(channel);
    this.#history = history;
    this.transport = connectRelay({
      endpoint,
      client: name,
      minReconnectDelayMs: 20,
      maxReconnectDelayMs: 200,
      pingAfterMs: 500,
      lostAfterMs: 1500,
    });
    this.#link = this.transport.open({ channel: this.channel, group: GROUP, start: { afterSeq: 0 }, credit: CREDIT });
  }

  /** Submits until each submission has its last word. */
  async publish(submissions: readonly Submission[], signal: AbortSignal): Promise<void> {
    let open = submissions;
    while (open.length > 0 && !signal.aborted) {
      const batch = open;
      for (const submission of batch) this.#history.submitted(submission);
      const answers = await this.#link.publish(batch).catch(() => undefined);
      if (answers === undefined) {
        await wait(20); // no connection just now
        continue;
      }
      answers.forEach((answer, index) => this.#history.answered(batch[index] as Submission, answer));
      open = batch.filter((_, index) => {
        const answer = answers[index];
        return answer?.kind === 'refused' && answer.reason === 'unavailable';
      });
      if (open.length > 0) await wait(20);
    }
  }

  /** Reads the channel from its beginning until the signal; what was read is part of the history. */
  read(signal: AbortSignal): Reading {
    const reading = new OpenReading(this.name);
    this.#history.readings.push(reading);
    const subscription = this.#link.events$.subscribe((event) => {
      reading.add(event);
      if (event.kind === 'refused') throw event.error;
      if (event.kind === 'entries') this.#link.grant(event.entries.length);
    });
    setMaxListeners(0, signal); // one for each reader of a test
    signal.addEventListener('abort', () => subscription.unsubscribe());
    return reading;
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}

/** Reads a channel by a connection of its own, up to where it ends now. */
export async function readAll(endpoint: string, channel: string, history: History, afterSeq = 0): Promise<Reading> {
  const client = new TestClient('the last reader', endpoint, channel, history);
  const reading = new OpenReading(client.name, afterSeq);
  const link = client.transport.open({ channel: client.channel, group: GROUP, start: { afterSeq }, credit: CREDIT });
  await new Promise<void>((resolve, reject) => {
    const subscription = link.events$.subscribe((event) => {
      reading.add(event);
      if (event.kind === 'refused') reject(event.error);
      if (event.kind === 'entries') link.grant(event.entries.length);
      if (event.kind === 'caught-up') {
        queueMicrotask(() => subscription.unsubscribe());
        resolve();
      }
    });
  });
  await client.close();
  return reading;
}

/** Publishes messages of the epoch that the reading has reached, until the signal. */
export async function chatter(client: TestClient, reading: Reading, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const epoch = reading.epoch;
    await client.publish(
      Array.from({ length: 16 }, () => message(epoch, fresh(200))),
      signal,
    );
    await wait(2);
  }
}

/** Commits each epoch that the reading reaches, with a Welcome for a key package of its own, until `untilEpoch`. */
export async function race(
  client: TestClient,
  reading: Reading,
  untilEpoch: bigint,
  signal: AbortSignal,
  invite: (keyPackageRef: Uint8Array) => void = () => undefined,
): Promise<void> {
  for (let epoch = reading.epoch; epoch < untilEpoch && !signal.aborted; ) {
    const ref = fresh(32);
    invite(ref);
    await client.publish([commit(epoch, [{ keyPackageRefs: [ref], payload: fresh(300) }])], signal);
    await untilEpochIsOver(reading, epoch, signal); // it has read who won
    epoch = reading.epoch;
  }
}

async function untilEpochIsOver(reading: Reading, epoch: bigint, signal: AbortSignal): Promise<void> {
  while (reading.epoch <= epoch && !signal.aborted) await wait(2);
}

/** A reading that goes on. */
class OpenReading implements Reading {
  readonly reader: string;
  readonly afterSeq: number;
  readonly seen: Seen[] = [];
  epoch = 0n;

  constructor(reader: string, afterSeq = 0) {
    this.reader = reader;
    this.afterSeq = afterSeq;
  }

  add(event: LinkEvent): void {
    if (event.kind === 'gap') this.seen.push(event);
    if (event.kind !== 'entries') return;
    for (const entry of event.entries) {
      // Without the memory of the frame that they came in.
      const { messageId, payload } = entry;
      const kept = { ...entry, messageId: new Uint8Array(messageId), payload: new Uint8Array(payload) };
      this.seen.push({ kind: 'entry', entry: kept });
      if (entry.kind === 'commit') this.epoch = entry.epoch + 1n;
    }
  }
}
