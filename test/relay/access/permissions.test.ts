import { NEVER, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { Appended, LogEngine } from '../../../src/relay/engine/log-engine.ts';
import { refusalFromWire, startToWire } from '../../../src/transport/index.ts';
import type { AccountId } from '../../../src/relay/access/index.ts';
import type { RawClient } from '../support/raw-client.ts';
import {
  CHANNEL,
  commit,
  fresh,
  GROUP,
  message,
  messages,
  OTHER_CHANNEL,
  OTHER_GROUP,
} from '../support/submissions.ts';
import { A, B, C, overriding, pong, startGuardedRelay } from './support/guarded-relay.ts';
import type { GuardedRelay } from './support/guarded-relay.ts';

const seqs = (entries: readonly { seq: number }[]): number[] => entries.map(({ seq }) => seq);

async function refused(client: RawClient, subscription: number): Promise<string> {
  const { reason } = await client.next('subscriptionRefused', (value) => value.subscription === subscription);
  return refusalFromWire(reason);
}

/** `ok`, or why the first submission was refused. */
async function verdict(answers: ReturnType<RawClient['publish']>): Promise<string> {
  const [answer] = await answers;
  return answer?.kind === 'refused' ? answer.reason : 'ok';
}

describe('the scopes of a token', () => {
  // What a member may do; a + where it is allowed.
  const columns = ['create by message', 'create by commit', 'write', 'commit', 'read', 'be welcomed'] as const;
  const table = [
    ['', '- - - - - -'],
    ['create', '- - - - - -'],
    ['read', '- - - - + +'],
    ['write', '- - + - - -'],
    ['commit', '- - - + - -'],
    ['create read', '- - - - + +'],
    ['create write', '+ - + - - -'],
    ['create commit', '- + - + - -'],
    ['read write', '- - + - + +'],
    ['read commit', '- - - + + +'],
    ['write commit', '- - + + - -'],
    ['create read write', '+ - + - + +'],
    ['create read commit', '- + - + + +'],
    ['create write commit', '+ + + + - -'],
    ['read write commit', '- - + + + +'],
    ['create read write commit', '+ + + + + +'],
  ] as const;

  test('allow what they say and nothing else', async () => {
    const relay = await startGuardedRelay();
    const owner = await relay.connect(A);
    for (const [row, [scope, expected]] of table.entries()) {
      const client = await relay.connect(A, { scope });
      const base = `acme/scopes/base-${row}`;
      await owner.publish([message()], base);
      const ref = fresh(32);
      const ok = {
        'create by message': (await verdict(client.publish([message()], `acme/scopes/m-${row}`))) === 'ok',
        'create by commit': (await verdict(client.publish([commit(0n)], `acme/scopes/c-${row}`))) === 'ok',
        write: (await verdict(client.publish([message()], base))) === 'ok',
        commit: (await verdict(client.publish([commit(0n)], base))) === 'ok',
        read: await mayRead(client, base),
        'be welcomed': await mayBeWelcomed(owner, client, ref, `acme/scopes/w-${row}`),
      };
      expect([scope, columns.map((column) => (ok[column] ? '+' : '-')).join(' ')]).toEqual([scope, expected]);
      client.close();
    }
  });

  test('are judged for each submission by itself', async () => {
    const relay = await startGuardedRelay();
    await (await relay.connect(A)).publish([message()]);
    const writer = await relay.connect(A, { scope: 'write' });
    const answers = await writer.publish([message(), commit(0n), message()]);
    expect(answers).toMatchObject([
      { kind: 'accepted', seq: 2 },
      { kind: 'refused', reason: 'unauthorized', currentEpoch: 0n },
      { kind: 'accepted', seq: 3 },
    ]);
  });

  test('keep the order of publishes that wait for whether the channel is claimed', async () => {
    const relay = await startGuardedRelay();
    const owner = await relay.connect(A);
    await owner.publish([message()]);
    const writer = await relay.connect(A, { scope: 'write' });
    const sent = messages(20);
    await Promise.all(sent.map((submission) => writer.publish([submission])));
    owner.subscribe(1, { afterSeq: 1 });
    const got = await owner.entriesUpTo(1, 20);
    expect(got.map(({ messageId }) => messageId)).toEqual(sent.map(({ messageId }) => messageId));
  });

  async function mayRead(client: RawClient, channel: string): Promise<boolean> {
    client.subscribe(1, { afterSeq: 0 }, 10, channel);
    const answer = await Promise.race([
      client.next('caughtUp').then(() => true),
      refused(client, 1).then((reason) => (expect(reason).toBe('unauthorized'), false)),
    ]);
    expect(client.entries(1).length > 0).toBe(answer);
    return answer;
  }

  async function mayBeWelcomed(
    owner: RawClient,
    client: RawClient,
    keyPackageRef: Uint8Array,
    channel: string,
  ): Promise<boolean> {
    client.send({ case: 'awaitWelcome', value: { keyPackageRef } });
    await owner.publish([commit(0n, [{ keyPackageRefs: [keyPackageRef], payload: fresh(9) }])], channel);
    return Promise.race([client.next('welcome').then(() => true), client.next('welcomeRefused').then(() => false)]);
  }
});

describe('a stranger to a channel', () => {
  test('is refused whatever it asks, and learns nothing else', async () => {
    const relay = await startGuardedRelay();
    const [alice, stranger] = [await relay.connect(A), await relay.connect(B)];
    const known = message();
    await alice.publish([known, commit(0n), commit(1n)]);
    for (const submission of [message(2n), commit(2n), known, commit(0n)]) {
      const answers = await stranger.publish([submission]);
      expect(answers).toMatchObject([{ kind: 'refused', reason: 'unauthorized', currentEpoch: 0n }]);
    }
    expect(await verdict(stranger.publish([message()], CHANNEL, OTHER_GROUP))).toBe('unauthorized');
    stranger.subscribe(1);
    stranger.subscribe(2, { afterSeq: 999 });
    stranger.subscribe(3, { afterCommitOfEpoch: 77n });
    const start = startToWire({ afterSeq: 0 });
    const value = { subscription: 4, channel: CHANNEL, group: OTHER_GROUP, start, credit: 1 };
    stranger.send({ case: 'subscribe', value });
    for (const id of [1, 2, 3, 4]) expect(await refused(stranger, id)).toBe('unauthorized');
    await alice.publish([message(2n)]);
    await pong(stranger);
    expect(stranger.frames.map((frame) => frame.case)).not.toContain('deliver');
    expect(stranger.frames.map((frame) => frame.case)).not.toContain('caughtUp');
  });

  test('becomes a member by its Welcome, which nobody else is handed', async () => {
    const relay = await startGuardedRelay();
    const [alice, bob, carol] = [await relay.connect(A), await relay.connect(B), await relay.connect(C)];
    const ref = fresh(32);
    for (const client of [bob, carol]) client.send({ case: 'awaitWelcome', value: { keyPackageRef: ref } });
    await pong(bob);
    await pong(carol);
    const payload = fresh(500);
    await alice.publish([commit(0n, [{ keyPackageRefs: [ref], payload }])]);
    // Bob was first; here that is not the point.
    const winner = await Promise.race([
      bob.next('welcome').then((welcome) => ({ client: bob, other: carol, account: B, welcome })),
      carol.next('welcome').then((welcome) => ({ client: carol, other: bob, account: C, welcome })),
    ]);
    expect(winner.welcome).toMatchObject({ keyPackageRef: ref, channel: CHANNEL, payload });
    expect(refusalFromWire((await winner.other.next('welcomeRefused')).reason)).toBe('unauthorized');
    winner.client.subscribe(1, { afterCommitOfEpoch: 0n });
    await winner.client.next('caughtUp');
    expect(await verdict(winner.client.publish([message(1n)]))).toBe('ok');
    expect(await verdict(winner.other.publish([message(1n)]))).toBe('unauthorized');
    const again = await relay.connect(winner.account);
    again.send({ case: 'awaitWelcome', value: { keyPackageRef: ref } });
    expect(await again.next('welcome')).toMatchObject({ payload });
  });
});

describe('a Welcome that several accounts wait for', () => {
  /** A relay whose log tells of what was stored only when it is let to. */
  const startHeld = async (): Promise<{ relay: GuardedRelay; tell: () => void }> => {
    const told = new Subject<Appended>();
    const held: Appended[] = [];
    const relay = await startGuardedRelay({
      around: (engine) => {
        engine.appended$.subscribe((appended) => held.push(appended));
        return overriding(engine, { appended$: told });
      },
    });
    return { relay, tell: () => held.splice(0).forEach((appended) => told.next(appended)) };
  };
  const wait = (client: RawClient, keyPackageRef: Uint8Array): Promise<void> => {
    client.send({ case: 'awaitWelcome', value: { keyPackageRef } });
    return pong(client);
  };

  test('goes to the one that has waited longest, also if another asks between its being stored and being told of', async () => {
    const { relay, tell } = await startHeld();
    const [alice, bob, mallory] = [await relay.connect(A), await relay.connect(B), await relay.connect(C)];
    const ref = fresh(32);
    await wait(bob, ref);
    await alice.publish([commit(0n, [{ keyPackageRefs: [ref], payload: fresh(500) }])]);
    await wait(mallory, ref);
    tell();
    expect(await bob.next('welcome')).toMatchObject({ keyPackageRef: ref });
    expect(refusalFromWire((await mallory.next('welcomeRefused')).reason)).toBe('unauthorized');
    expect(mallory.frames.map((frame) => frame.case)).not.toContain('welcome');
  });

  test('goes to the next one when the first has gone', async () => {
    const { relay, tell } = await startHeld();
    const [alice, bob, carol] = [await relay.connect(A), await relay.connect(B), await relay.connect(C)];
    const ref = fresh(32);
    await wait(bob, ref);
    await wait(carol, ref);
    bob.close();
    while (relay.server.holdings().length > 2) await carol.settle();
    await alice.publish([commit(0n, [{ keyPackageRefs: [ref], payload: fresh(500) }])]);
    tell();
    expect(await carol.next('welcome')).toMatchObject({ keyPackageRef: ref });
  });

  test('is found by the next one also where nothing more is told, since it was stored before the first has gone', async () => {
    const { relay } = await startHeld();
    const [alice, bob, carol] = [await relay.connect(A), await relay.connect(B), await relay.connect(C)];
    const ref = fresh(32);
    await wait(bob, ref);
    await alice.publish([commit(0n, [{ keyPackageRefs: [ref], payload: fresh(500) }])]);
    await wait(carol, ref);
    bob.close();
    expect(await carol.next('welcome')).toMatchObject({ keyPackageRef: ref });
  });
});

describe('a channel that nobody has claimed', () => {
  test('is read by whoever creates it from the first entry on, and by nobody else', async () => {
    const relay = await startGuardedRelay();
    const [alice, mallory] = [await relay.connect(A), await relay.connect(B)];
    for (const client of [alice, mallory]) {
      client.subscribe(1);
      expect(await client.next('caughtUp')).toMatchObject({ headSeq: 0n });
    }
    await alice.publish(messages(3));
    expect(seqs(await alice.entriesUpTo(1, 3))).toEqual([1, 2, 3]);
    expect(await refused(mallory, 1)).toBe('unauthorized');
    await alice.publish(messages(3));
    await pong(mallory);
    expect(mallory.entries(1)).toEqual([]);
  });

  test('goes to the first of two accounts that race for it', async () => {
    const relay = await startGuardedRelay();
    const clients = [await relay.connect(A), await relay.connect(B)];
    const verdicts = await Promise.all(clients.map((client) => verdict(client.publish([message()]))));
    expect(verdicts.sort()).toEqual(['ok', 'unauthorized']);
  });

  test('with entries from before there were accounts is read until somebody claims it', async () => {
    const relay = await startGuardedRelay();
    await relay.engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(300, 0n, 1024) });
    const [alice, bob] = [await relay.connect(A), await relay.connect(B)];
    for (const client of [alice, bob]) {
      client.subscribe(1);
      await client.entriesUpTo(1, 300);
    }
    await alice.publish(messages(2));
    expect(seqs(await alice.entriesUpTo(1, 302)).slice(-2)).toEqual([301, 302]);
    expect(await refused(bob, 1)).toBe('unauthorized');
    await pong(bob);
    expect(bob.entries(1)).toHaveLength(300);
  });

  test('gives nothing away if the log reads an entry before it is announced', async () => {
    // As over a network: a page may hold what the relay has not been told of yet.
    const silence = { appended$: NEVER, accessChanges$: NEVER };
    const relay = await startGuardedRelay({ around: (engine) => overriding(engine, silence) });
    const append = (by?: AccountId): ReturnType<LogEngine['append']> =>
      relay.engine.append({
        channel: CHANNEL,
        group: GROUP,
        submissions: messages(100),
        ...(by === undefined ? {} : { by: { account: by, messagesPerMonth: undefined } }),
      });
    await append();
    const [alice, mallory] = [await relay.connect(A), await relay.connect(B)];
    for (const client of [alice, mallory]) {
      client.subscribe(1, { afterSeq: 0 }, 50);
      await client.entriesUpTo(1, 50);
    }
    await append(A);
    for (const client of [alice, mallory]) client.send({ case: 'credit', value: { subscription: 1, entries: 1000 } });
    expect(await refused(mallory, 1)).toBe('unauthorized');
    expect(mallory.entries(1)).toHaveLength(50);
    expect(seqs(await alice.entriesUpTo(1, 200)).at(-1)).toBe(200);
  });
});

describe('an account that is expelled', () => {
  test('gets nothing more, on any of its connections; others and other channels go on', async () => {
    const relay = await startGuardedRelay();
    const [alice, bob, twin] = [await relay.connect(A), await relay.connect(B), await relay.connect(B)];
    await alice.publish([message()]);
    await alice.publish([message()], OTHER_CHANNEL);
    for (const channel of [CHANNEL, OTHER_CHANNEL]) await relay.engine.admit(channel, B);
    for (const client of [alice, bob, twin]) {
      client.subscribe(1);
      client.subscribe(2, { afterSeq: 0 }, 1000, OTHER_CHANNEL);
      await client.entriesUpTo(2, 1);
    }
    await relay.engine.expel(CHANNEL, B);
    expect(await Promise.all([refused(bob, 1), refused(twin, 1)])).toEqual(['unauthorized', 'unauthorized']);
    await alice.publish(messages(5));
    await alice.publish([message()], OTHER_CHANNEL);
    for (const client of [alice, bob, twin]) await client.entriesUpTo(2, 2);
    await alice.entriesUpTo(1, 6);
    expect([bob.entries(1).length, twin.entries(1).length]).toEqual([1, 1]);
    expect(await verdict(bob.publish([message()]))).toBe('unauthorized');
    bob.subscribe(1, { afterSeq: 1 });
    expect(await refused(bob, 1)).toBe('unauthorized');
  });

  test('gets no page that was being read for it', async () => {
    let holdReads = false;
    const held: (() => void)[] = [];
    const relay = await startGuardedRelay({
      limits: { maxRecentBytes: 0 },
      around: (engine) =>
        overriding(engine, {
          read: async (...args) => {
            const page = await engine.read(...args);
            if (holdReads) await new Promise<void>((resolve) => held.push(resolve));
            return page;
          },
        }),
    });
    const [alice, bob] = [await relay.connect(A), await relay.connect(B)];
    await alice.publish(messages(10));
    await relay.engine.admit(CHANNEL, B);
    holdReads = true;
    bob.subscribe(1);
    while (held.length === 0) await bob.settle();
    await relay.engine.expel(CHANNEL, B);
    expect(await refused(bob, 1)).toBe('unauthorized');
    holdReads = false;
    for (const release of held) release();
    await pong(bob);
    await relay.engine.access(CHANNEL, B);
    await pong(bob);
    expect(bob.entries(1)).toEqual([]);
  });

  test('reads again, from where it was, when it is admitted again', async () => {
    const relay = await startGuardedRelay();
    const [alice, bob] = [await relay.connect(A), await relay.connect(B)];
    await alice.publish([message()]);
    await relay.engine.admit(CHANNEL, B);
    bob.subscribe(1);
    await bob.entriesUpTo(1, 1);
    await relay.engine.expel(CHANNEL, B);
    await refused(bob, 1);
    await alice.publish(messages(3));
    await relay.engine.admit(CHANNEL, B);
    bob.subscribe(1, { afterSeq: 1 });
    expect(seqs(await bob.entriesUpTo(1, 4))).toEqual([1, 2, 3, 4]);
  });

  test('does not disturb members when somebody else comes or goes', async () => {
    const relay = await startGuardedRelay();
    const alice = await relay.connect(A);
    await alice.publish([message()]);
    alice.subscribe(1, { afterSeq: 0 }, 10_000);
    for (let round = 0; round < 20; round += 1) {
      const change = round % 2 === 0 ? relay.engine.admit(CHANNEL, B) : relay.engine.expel(CHANNEL, B);
      await Promise.all([change, alice.publish(messages(5))]);
    }
    expect(seqs(await alice.entriesUpTo(1, 101))).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
  });
});

test('channel names of one account are not kept from another that was there first', async () => {
  const relay = await startGuardedRelay({ limits: { maxChannels: 2 } });
  const alice = await relay.connect(A);
  const names = ['a/b/c', 'a/b/d', 'a/b/e'].map((name) => parseChannelName(name));
  const verdicts = await Promise.all(names.map((name) => verdict(alice.publish([message()], name))));
  expect(verdicts.sort()).toEqual(['limit', 'ok', 'ok']);
});
