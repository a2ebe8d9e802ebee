import { catchError, EMPTY, firstValueFrom, lastValueFrom, map, NEVER, Observable, of, Subject, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Channel, Reply } from '../../../src/index.ts';
import { bytes, channelOf, isFault, next, Recorder, Swarm, text } from '../../support/swarm.ts';

const SOON = { timeoutMs: 10_000 };
const said = ({ sender, payload }: Reply): string => `${text(sender)}: ${text(payload)}`;
const echo = (channel: Channel): void => void channel.respond(({ payload }) => of(bytes(`re ${text(payload)}`)));

it('brings the reply of another member, and shows nothing of it among the messages', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const atAlice = new Recorder(alice.channel$);
  const atBob = new Recorder(bob.channel$);
  echo(bob.channel$);

  const replies = await lastValueFrom(alice.channel$.request(bytes('ping'), SOON).pipe(map(said), toArray()));
  await alice.send(bytes('a message'));
  await atBob.until(1);

  expect(replies).toEqual(['bob: re ping']);
  expect(atBob.values.map(({ payload }) => text(payload))).toEqual(['a message']);
  expect(atAlice.values).toEqual([]);
});

it('gives replies their place in the one order, the same for all', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const seenByCarol = new Recorder(carol.channel$.events$);
  bob.channel$.respond(() => of(bytes('one'), bytes('two'), bytes('three')));

  const replies = await lastValueFrom(alice.channel$.request(bytes('count'), { ...SOON, expect: 3 }).pipe(toArray()));

  expect(replies.map(said)).toEqual(['bob: one', 'bob: two', 'bob: three']);
  await seenByCarol.until((events) => events.filter(({ kind }) => kind === 'reply').length === 3);
  const seqs = seenByCarol.values.flatMap((event) => (event.kind === 'reply' ? [event.seq] : []));
  expect(replies.map(({ seq }) => seq)).toEqual(seqs);
});

it('asks all, and completes when each has said its last', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol, dave } = await channelOf(swarm, 'alice', 'bob', 'carol', 'dave');
  echo(bob.channel$);
  carol.channel$.respond(() => of(bytes('first'), bytes('second')));
  dave.channel$.respond(() => EMPTY);

  const replies = await lastValueFrom(
    alice.channel$.request(bytes('all?'), { ...SOON, expect: 'all' }).pipe(map(said), toArray()),
  );

  expect(replies.sort()).toEqual(['bob: re all?', 'carol: first', 'carol: second']);
});

it('asks only whom it is for', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const asked: string[] = [];
  for (const [name, { channel$ }] of Object.entries({ bob, carol })) {
    channel$.respond(() => {
      asked.push(name);
      return of(bytes('here'));
    });
  }

  const options = { ...SOON, to: bytes('carol'), expect: 'all' } as const;
  const reply = await lastValueFrom(alice.channel$.request(bytes('carol?'), options));
  await bob.send(bytes('after it'));
  await next(alice.channel$.state$, ({ seq }) => seq > reply.seq);

  expect(said(reply)).toBe('carol: here');
  expect(asked).toEqual(['carol']);
});

it('fails when time is over, and shows the reply that comes later', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  // The deadline cancels a handler: a member that does not know of it is one whose clock is behind.
  const late = new Subject<Uint8Array>();
  const clock = { ...systemClock, now: () => systemClock.now() - 60_000 };
  await bob.close();
  await swarm.crashImage('bob', 'bob, slow');
  const slowBob = await swarm.agent('bob', { dataDir: 'bob, slow', clock }).openChannel(bob.name);
  const asked = new Promise<void>((resolve) => {
    slowBob.channel$.respond(() => {
      resolve();
      return late;
    });
  });
  const lateReply = next(alice.channel$.faults$, isFault('late-reply'));

  const outcome = firstValueFrom(alice.channel$.request(bytes('quick'), { timeoutMs: 2_000 }));
  await expect(outcome).rejects.toMatchObject({ code: 'request_timeout' });
  await asked;
  late.next(bytes('sorry'));

  expect(text((await lateReply).payload)).toBe('sorry');
});

it('cancels the handler at the other end when the asker unsubscribes', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  let tellAborted: (reason: string) => void = () => undefined;
  const aborted = new Promise<string>((resolve) => (tellAborted = resolve));
  const torn = new Promise<void>((resolve) => {
    bob.channel$.respond((_, signal) => {
      signal.addEventListener('abort', () => tellAborted('aborted'), { once: true });
      return new Observable<Uint8Array>((subscriber) => {
        subscriber.next(bytes('progress'));
        return () => resolve();
      });
    });
  });

  const first = await firstValueFrom(alice.channel$.request(bytes('long work'), { ...SOON, expect: 2 }));

  expect(text(first.payload)).toBe('progress');
  await torn;
  expect(await aborted).toBe('aborted');
});

it('fails at once when who has to reply is removed, and when one of all is', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  echo(carol.channel$);
  const asked = new Promise<void>((resolve) => {
    let requests = 0;
    bob.channel$.respond(() => {
      requests += 1;
      if (requests === 3) resolve();
      return NEVER;
    });
  });
  const codes = [{ to: bytes('bob') }, { expect: 'all' as const }, { expect: 2 }].map((options) =>
    lastValueFrom(
      alice.channel$.request(bytes('?'), { ...SOON, ...options }).pipe(
        map(said),
        catchError((error: unknown) => of((error as { code: string }).code)),
        toArray(),
      ),
    ),
  );
  await asked;

  await alice.removeMember(bytes('bob'));

  expect(await Promise.all(codes)).toEqual([
    ['responder_left'],
    ['carol: re ?', 'responder_left'],
    ['carol: re ?', 'request_failed'],
  ]);
});

it('tells the asker when a handler fails', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const fault = next(bob.channel$.faults$, isFault('respond-failed'));
  bob.channel$.respond(() => {
    throw new Error('out of paper');
  });

  await expect(firstValueFrom(alice.channel$.request(bytes('print'), SOON))).rejects.toMatchObject({
    code: 'request_failed',
    message: expect.stringContaining('out of paper') as string,
  });
  expect((await fault).error.message).toContain('out of paper');
});

it('asks again under the same id', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const tries: [string, number][] = [];
  bob.channel$.respond(({ id, attempt }) => {
    tries.push([id, attempt]);
    return of(bytes('done'));
  });

  const work = alice.channel$.request(bytes('once'), SOON);
  await firstValueFrom(work);
  await firstValueFrom(work);

  const [[id] = ['']] = tries;
  expect(tries).toEqual([
    [id, 1],
    [id, 2],
  ]);
});

it('skips what nobody waits for any more, also what waited for its turn', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await bob.close();
  await swarm.crashImage('bob', 'bob, later');
  const expired = firstValueFrom(alice.channel$.request(bytes('expired'), { timeoutMs: 300 }));
  await expect(expired).rejects.toMatchObject({ code: 'request_timeout' });

  const bobAgain = await swarm.agent('bob', { dataDir: 'bob, later' }).openChannel(bob.name);
  const worked: string[] = [];
  bobAgain.channel$.respond(
    ({ payload }) => {
      worked.push(text(payload));
      return text(payload) === 'block' ? NEVER : of(payload);
    },
    { concurrency: 1 },
  );
  const block = alice.channel$.request(bytes('block'), SOON).subscribe({ error: () => undefined });
  await next(alice.channel$.state$, ({ unsettled }) => unsettled === 0);
  const cancelled = alice.channel$.request(bytes('cancelled'), SOON).subscribe({ error: () => undefined });
  await alice.send(bytes('both are there'));
  cancelled.unsubscribe();
  block.unsubscribe();
  const reply = await firstValueFrom(alice.channel$.request(bytes('wanted'), SOON));

  expect(text(reply.payload)).toBe('wanted');
  expect(worked).toEqual(['block', 'wanted']);
});

it('answers with a failure what is too much', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const release = new Subject<Uint8Array>();
  bob.channel$.respond(() => release, { concurrency: 1, maxWaiting: 1 });
  const outcomes = ['one', 'two', 'three'].map((line) => firstValueFrom(alice.channel$.request(bytes(line), SOON)));

  await expect(outcomes[2]).rejects.toMatchObject({ code: 'request_failed' });
  release.next(bytes('one'));
  release.complete();
  expect(text((await outcomes[0])?.payload ?? bytes(''))).toBe('one');
  await expect(outcomes[1]).rejects.toMatchObject({ code: 'request_failed' });
});

it('leaves nobody waiting when the channel stops', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const asked = new Promise<void>((resolve) => {
    bob.channel$.respond(() => {
      resolve();
      return NEVER;
    });
  });
  const outcome = firstValueFrom(alice.channel$.request(bytes('?'), SOON));
  outcome.catch(() => undefined);
  await asked;

  await alice.close();

  await expect(outcome).rejects.toMatchObject({ code: 'channel_closed' });
  await expect(firstValueFrom(alice.channel$.request(bytes('?'), SOON))).rejects.toMatchObject({
    code: 'channel_closed',
  });
  expect(() => alice.channel$.respond(() => EMPTY)).toThrow('is closed');
});

it('says at the call what is no request', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  for (const options of [{ timeoutMs: 0 }, { timeoutMs: Infinity }, { ...SOON, expect: 0 }, { ...SOON, to: [] }]) {
    expect(() => alice.channel$.request(bytes('?'), options)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  }
  // Alone, there is nobody to ask.
  await expect(firstValueFrom(alice.channel$.request(bytes('?'), SOON))).rejects.toMatchObject({
    code: 'request_failed',
  });
});
