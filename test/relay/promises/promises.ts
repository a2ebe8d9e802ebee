import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PublishAnswer } from '../../../src/transport/index.ts';
import { seededRandom, seedOfRun } from '../../support/seeded.ts';
import { commit, fresh, message, messages } from '../support/submissions.ts';
import { chatter, race, readAll, TestClient } from './clients.ts';
import type { Fault, Fleet } from './fleet.ts';
import { History } from './history.ts';
import type { Reading, Seen } from './history.ts';

/** How hard a fleet is tried. */
export interface Trial {
  /** Faults, one after the other, each kind at least once if there are so many. */
  readonly faults: number;
  /** Epochs per number of racing clients. */
  readonly epochs: number;
}

const CHANNELS = ['acme/promises/one', 'acme/promises/two', 'acme/promises/three'];

/** The promises of relays over one log, whatever carries it, kept by real processes under real faults. */
export function describeRelayPromises(name: string, startFleet: StartFleet, trial: Trial): void {
  describe(`promises: ${name}`, () => {
    test('loses nothing that it acknowledged, and every reader can prove it, whatever dies under load', async () => {
      const random = seededRandom(seedOfRun());
      const fleet = await startFleet();
      const histories = CHANNELS.map(() => new History());
      const stop = new AbortController();
      const clients: TestClient[] = [];
      const work: Promise<void>[] = [];
      const readings: Reading[] = [];
      for (const [index, channel] of CHANNELS.entries()) {
        const history = histories[index] as History;
        for (const [place, endpoint] of fleet.endpoints.entries()) {
          const client = clientOf(`client ${index}.${place}`, endpoint, channel, history);
          clients.push(client);
          const reading = client.read(stop.signal);
          readings.push(reading);
          work.push(chatter(client, reading, stop.signal), slowCommits(client, reading, stop.signal));
        }
      }

      const struck = await strike(planOf(fleet.faults, trial.faults, random), random);
      // Whoever is cut off comes back: every channel moves again, for every reader.
      for (const reading of readings) {
        const { length } = reading.seen;
        await until(() => reading.seen.length > length);
      }
      stop.abort();
      await Promise.all(work);

      const acknowledged = histories.reduce((sum, history) => sum + history.acknowledged, 0);
      const resubmitted = histories.reduce((sum, history) => sum + history.resubmitted, 0);
      console.log(`${acknowledged} acknowledged, ${resubmitted} submitted again; ${struck.join(', ')}`);
      for (const [index, channel] of CHANNELS.entries()) {
        const history = histories[index] as History;
        for (const endpoint of fleet.endpoints) {
          expect(history.violations(await readAll(endpoint, channel, history))).toEqual([]);
        }
        expect(history.acknowledged).toBeGreaterThan(50);
      }
      expect(resubmitted).toBeGreaterThan(0); // or nothing was under way when the faults struck
      expect(struck).toHaveLength(trial.faults);
    });

    test('gives all readers on all relays one order', async () => {
      const fleet = await startFleet();
      const history = new History();
      const stop = new AbortController();
      const channel = 'acme/promises/order';
      const clients = [0, 1, 2, 3].map((index) =>
        clientOf(`client ${index}`, fleet.endpoints[index % fleet.endpoints.length] as string, channel, history),
      );
      const readings = clients.map((client) => client.read(stop.signal));
      await Promise.all(
        clients.map(async (client) => {
          for (let round = 0; round < 25; round += 1) await client.publish(messages(4), stop.signal);
        }),
      );
      const total = 4 * 25 * 4;
      for (const reading of readings) await until(() => reading.seen.length >= total);
      stop.abort();
      const orders = readings.map(({ seen }) => seen.map((item) => item.kind === 'entry' && item.entry.seq));
      expect(orders[0]).toHaveLength(total);
      for (const order of orders) expect(order).toEqual(orders[0]);
      for (const endpoint of fleet.endpoints) {
        expect(history.violations(await readAll(endpoint, channel, history))).toEqual([]);
      }
    });

    test('lets exactly one commit win each epoch when 2, 10 and 50 clients race', async () => {
      const fleet = await startFleet();
      for (const racers of [2, 10, 50]) await raceOf(racers, fleet);
    });

    async function raceOf(racers: number, fleet: Fleet): Promise<void> {
      const history = new History();
      const stop = new AbortController();
      const channel = `acme/race/of-${racers}`;
      const clients = Array.from({ length: racers }, (_, index) =>
        clientOf(`racer ${index}`, fleet.endpoints[index % fleet.endpoints.length] as string, channel, history),
      );
      const epochs = BigInt(trial.epochs);
      await Promise.all(clients.map((client) => race(client, client.read(stop.signal), epochs, stop.signal)));
      stop.abort();

      const [endpoint] = fleet.endpoints as [string];
      const complete = await readAll(endpoint, channel, history);
      expect(history.violations(complete)).toEqual([]);
      expect(complete.seen).toHaveLength(trial.epochs);
      expect(history.acknowledged).toBe(trial.epochs);
      expect(history.lostRaces).toBeGreaterThan(0);
      await Promise.all(clients.map((client) => client.close()));
    }

    test('never delivers a Welcome of a commit that lost', async () => {
      const fleet = await startFleet();
      const history = new History();
      const stop = new AbortController();
      const channel = 'acme/race/welcomes';
      const clients = Array.from({ length: 6 }, (_, index) =>
        clientOf(`racer ${index}`, fleet.endpoints[index % fleet.endpoints.length] as string, channel, history),
      );
      let invited = 0;
      const waiting = new AbortController();
      const invite = (client: TestClient) => (ref: Uint8Array) => {
        invited += 1;
        client.transport.awaitWelcome(ref, waiting.signal).then(
          (delivery) => history.welcomed(ref, delivery),
          () => undefined, // aborted below: nobody wins for a loser
        );
      };
      const epochs = 20;
      await Promise.all(
        clients.map((client) => race(client, client.read(stop.signal), BigInt(epochs), stop.signal, invite(client))),
      );
      await until(() => history.welcomes === epochs);
      // What is under way for a loser would come now: a Welcome that is stored last of all has overtaken nothing.
      const [first] = clients as [TestClient];
      const last = fresh(32);
      await first.publish([commit(BigInt(epochs), [{ keyPackageRefs: [last], payload: fresh(300) }])], stop.signal);
      history.welcomed(last, await first.transport.awaitWelcome(last));
      waiting.abort();
      stop.abort();

      const [endpoint] = fleet.endpoints as [string];
      expect(history.violations(await readAll(endpoint, channel, history))).toEqual([]);
      expect(history.welcomes).toBe(epochs + 1);
      expect(invited).toBeGreaterThan(epochs);
    });

    test('stores a message id once and answers it with the same number, also after restarts and on other relays', async () => {
      const fleet = await startFleet();
      const history = new History();
      const channel = 'acme/promises/twice';
      const never = new AbortController().signal;
      const batch = [...messages(20), commit(0n), message(1n)];
      const answers: PublishAnswer[][] = [];
      const submit = async (): Promise<void> => {
        for (const [index, endpoint] of fleet.endpoints.entries()) {
          const client = clientOf(`client ${index}`, endpoint, channel, history);
          await client.publish(batch, never);
          answers.push(batch.map((submission) => history.lastAnswer(submission) as PublishAnswer));
          await client.close();
        }
      };
      await submit();
      for (const fault of fleet.faults.filter(({ name: fault }) => fault.includes('killed'))) {
        await fault.strike();
        await submit();
      }
      const seqs = answers.map((round) => round.map((answer) => (answer.kind === 'accepted' ? answer.seq : answer)));
      for (const round of seqs) expect(round).toEqual(seqs[0]);
      const [first, ...later] = answers as [PublishAnswer[], ...PublishAnswer[][]];
      expect(first.every((answer) => answer.kind === 'accepted')).toBe(true);
      expect(later.flat().every((answer) => answer.kind === 'accepted' && answer.duplicate)).toBe(true);
      const [endpoint] = fleet.endpoints as [string];
      const complete = await readAll(endpoint, channel, history);
      expect(complete.seen).toHaveLength(batch.length);
      expect(history.violations(complete)).toEqual([]);
    });

    test('tells a reader that was away for longer than retention which entries are gone', async () => {
      const fleet = await startFleet({ ttlDays: 2 / 86_400 });
      const [endpoint] = fleet.endpoints as [string];
      const history = new History();
      const never = new AbortController().signal;
      const channel = 'acme/promises/retention';
      const alice = clientOf('alice', endpoint, channel, history);
      await alice.publish(messages(5), never);
      const bob = new AbortController();
      const before = clientOf('bob', endpoint, channel, history).read(bob.signal);
      await until(() => before.seen.length === 5);
      bob.abort();
      const cursor = lastSeqOf(before);
      await alice.publish(messages(5), never);
      while ((await readAll(endpoint, channel, history)).seen.some(({ kind }) => kind === 'entry')) await wait(100);
      await alice.publish(messages(1), never);
      const { seen } = await readAll(endpoint, channel, history, cursor);
      expect(seen).toMatchObject([{ kind: 'gap', afterSeq: cursor }, { kind: 'entry' }]);
      const [gap, entry] = seen as [Extract<Seen, { kind: 'gap' }>, Extract<Seen, { kind: 'entry' }>];
      expect(gap.resumesAtSeq).toBeGreaterThan(cursor + 5);
      expect(entry.entry.seq).toBeGreaterThanOrEqual(gap.resumesAtSeq);
    });
  });
}

/** Starts relays over a log of their own that keeps entries for so many days. */
export type StartFleet = (options?: { readonly ttlDays: number }) => Promise<Fleet>;

function clientOf(name: string, endpoint: string, channel: string, history: History): TestClient {
  const client = new TestClient(name, endpoint, channel, history);
  onTestFinished(() => client.close());
  return client;
}

/** A commit now and then, so that epochs and messages mix. */
async function slowCommits(client: TestClient, reading: Reading, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await race(client, reading, reading.epoch + 1n, signal);
    await wait(100);
  }
}

/** Each fault once in a seeded order, then again. */
function planOf(faults: readonly Fault[], count: number, random: () => number): Fault[] {
  const plan: Fault[] = [];
  while (plan.length < count) {
    const round = [...faults];
    while (round.length > 0 && plan.length < count) {
      plan.push(...round.splice(Math.floor(random() * round.length), 1));
    }
  }
  return plan;
}

async function strike(plan: readonly Fault[], random: () => number): Promise<string[]> {
  const struck: string[] = [];
  for (const fault of plan) {
    await wait(100 + random() * 400); // the moment of the fault is part of the fault
    await fault.strike();
    struck.push(fault.name);
  }
  return struck;
}

function lastSeqOf({ seen }: Reading): number {
  const last = seen.at(-1);
  return last?.kind === 'entry' ? last.entry.seq : 0;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(10);
}
