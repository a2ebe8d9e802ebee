import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox, type MailboxOptions } from '../../src/actors/index.ts';
import { yieldTurn } from '../../src/streams/index.ts';

function create(options: Partial<MailboxOptions<string>> = {}): Mailbox<string, string> {
  return new Mailbox({ sizeOf: (text) => text.length, ...options });
}

/** What a promise has come to by now, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'fulfilled' | 'rejected'> {
  let state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  promise.then(
    () => (state = 'fulfilled'),
    () => (state = 'rejected'),
  );
  await yieldTurn();
  return state;
}

describe('Mailbox', () => {
  describe('lanes', () => {
    it('hands out all control messages and a batch of user messages, each lane in its order', async () => {
      const mailbox = create();
      mailbox.offer('a');
      mailbox.tell('one');
      mailbox.offer('b');
      mailbox.tell('two');

      expect(await mailbox.take()).toEqual({ control: ['one', 'two'], user: ['a', 'b'] });
      expect([mailbox.depth, mailbox.depthBytes, mailbox.controlDepth]).toEqual([0, 0, 0]);
    });

    it('hands out at most 32 user messages at once, or as many as asked for', async () => {
      const mailbox = create();
      for (let index = 0; index < 80; index += 1) mailbox.offer(`${index}`);

      expect((await mailbox.take()).user).toEqual(Array.from({ length: 32 }, (_, index) => `${index}`));
      expect((await mailbox.take(40)).user).toHaveLength(40);
      expect((await mailbox.take()).user).toEqual(['72', '73', '74', '75', '76', '77', '78', '79']);
    });

    it('puts a control message before the user messages that came earlier', async () => {
      const mailbox = create();
      for (let index = 0; index < 40; index += 1) mailbox.offer(`${index}`);
      await mailbox.take();
      mailbox.tell('stop');

      expect(await mailbox.take(1)).toEqual({ control: ['stop'], user: ['32'] });
    });

    it('takes control messages without bound while the user lane is full', async () => {
      const mailbox = create({ maxMessages: 1 });
      mailbox.offer('fills it');
      for (let index = 0; index < 5000; index += 1) expect(mailbox.tell(`${index}`)).toBe(true);

      expect((await mailbox.take()).control).toHaveLength(5000);
    });

    it('waits for the first message and brings along what the same turn adds', async () => {
      const mailbox = create();
      const batch = mailbox.take();
      expect(await stateOf(batch)).toBe('pending');
      mailbox.offer('a');
      mailbox.offer('b');
      mailbox.tell('one');

      expect(await batch).toEqual({ control: ['one'], user: ['a', 'b'] });
    });

    it('refuses a second consumer', async () => {
      const mailbox = create();
      const first = mailbox.take();
      await expect(mailbox.take()).rejects.toMatchObject({ code: 'runtime_error' });
      mailbox.tell('goes to the first');

      expect((await first).control).toEqual(['goes to the first']);
    });
  });

  describe('pause', () => {
    it('holds back user messages and lets control messages pass', async () => {
      const mailbox = create();
      mailbox.offer('a');
      mailbox.pauseUser();
      const batch = mailbox.take();
      expect(await stateOf(batch)).toBe('pending');
      mailbox.tell('online');

      expect(await batch).toEqual({ control: ['online'], user: [] });
      expect([mailbox.isUserPaused, mailbox.depth]).toEqual([true, 1]);
    });

    it('wakes the consumer on resume if something waits', async () => {
      const mailbox = create();
      mailbox.pauseUser();
      const batch = mailbox.take();
      mailbox.resumeUser();
      expect(await stateOf(batch)).toBe('pending');
      mailbox.pauseUser();
      mailbox.offer('a');
      expect(await stateOf(batch)).toBe('pending');
      mailbox.resumeUser();

      expect(await batch).toEqual({ control: [], user: ['a'] });
    });

    it('wins over a message that woke the consumer in the same turn', async () => {
      const mailbox = create();
      const batch = mailbox.take();
      mailbox.offer('a');
      mailbox.pauseUser();
      expect(await stateOf(batch)).toBe('pending');
      mailbox.resumeUser();

      expect((await batch).user).toEqual(['a']);
    });
  });

  describe('bounds', () => {
    it('refuses an offer when the lane is full in messages', async () => {
      const mailbox = create({ maxMessages: 2 });
      expect(['a', 'b', 'c'].map((text) => mailbox.offer(text))).toEqual([true, true, false]);
      await mailbox.take(1);

      expect(mailbox.offer('d')).toBe(true);
      expect((await mailbox.take()).user).toEqual(['b', 'd']);
    });

    it('refuses an offer when the lane is full in bytes', () => {
      const mailbox = create({ maxBytes: 10 });
      expect(mailbox.offer('123456')).toBe(true);
      expect(mailbox.offer('12345')).toBe(false);
      expect(mailbox.offer('1234')).toBe(true);

      expect([mailbox.depth, mailbox.depthBytes]).toEqual([2, 10]);
    });

    it('holds 1024 messages or 8 MiB unless told otherwise', () => {
      const byCount = create();
      while (byCount.offer('x'));
      expect(byCount.depth).toBe(1024);

      const bySize = new Mailbox<never, number>({ sizeOf: (bytes) => bytes });
      while (bySize.offer(1024 * 1024));
      expect(bySize.depthBytes).toBe(8 * 1024 * 1024);
    });

    it('lets a message larger than the lane in when the lane is empty', async () => {
      const mailbox = create({ maxBytes: 4 });
      expect(mailbox.offer('a')).toBe(true);
      expect(mailbox.offer('too large')).toBe(false);
      await mailbox.take();

      expect(mailbox.offer('too large')).toBe(true);
      expect(mailbox.offer('b')).toBe(false);
    });

    it.each<[Partial<MailboxOptions<string>>, string]>([
      [{ maxMessages: 0 }, 'Expected `maxMessages` to be an integer of at least 1, got 0.'],
      [{ maxBytes: 1.5 }, 'Expected `maxBytes` to be an integer of at least 1, got 1.5.'],
      [{ maxWaiting: -1 }, 'Expected `maxWaiting` to be an integer of at least 0, got -1.'],
    ])('refuses %j', (options, message) => {
      expect(() => create(options)).toThrow(message);
    });

    it('refuses a size that is none, before it changes anything', () => {
      const mailbox = create({ sizeOf: () => Number.NaN });
      expect(() => mailbox.offer('a')).toThrow('Expected `sizeOf(message)` to be an integer of at least 0, got NaN.');
      expect(mailbox.depth).toBe(0);
    });
  });

  describe('put', () => {
    it('is in the lane at once when there is room', async () => {
      const mailbox = create();
      const put = mailbox.put('a');
      expect(mailbox.depth).toBe(1);
      await put;
    });

    it('waits for room, in the order of the calls, and nobody overtakes', async () => {
      const mailbox = create({ maxMessages: 1 });
      mailbox.offer('a');
      const puts = [mailbox.put('b'), mailbox.put('c')];
      expect(mailbox.waiting).toBe(2);

      expect((await mailbox.take()).user).toEqual(['a']);
      expect(await stateOf(puts[0]!)).toBe('fulfilled');
      expect(await stateOf(puts[1]!)).toBe('pending');
      expect(mailbox.offer('overtakes')).toBe(false);
      expect((await mailbox.take()).user).toEqual(['b']);
      expect((await mailbox.take()).user).toEqual(['c']);
      await Promise.all(puts);
    });

    it('does not let a small message pass a large one that waits', async () => {
      const mailbox = create({ maxBytes: 4 });
      mailbox.offer('123');
      const large = mailbox.put('1234');
      const small = mailbox.put('1');
      expect(mailbox.offer('1')).toBe(false);
      expect([await stateOf(large), await stateOf(small)]).toEqual(['pending', 'pending']);

      expect((await mailbox.take()).user).toEqual(['123']);
      expect([await stateOf(large), await stateOf(small)]).toEqual(['fulfilled', 'pending']);
      expect((await mailbox.take()).user).toEqual(['1234']);
      await small;
    });

    it('gives up when its signal is aborted, and the next one may fit', async () => {
      const mailbox = create({ maxBytes: 4 });
      mailbox.offer('123');
      const stop = new AbortController();
      const large = mailbox.put('1234', stop.signal);
      const small = mailbox.put('1', stop.signal);
      const other = mailbox.put('2');
      stop.abort(new Error('enough'));

      await expect(large).rejects.toThrow('enough');
      await expect(small).rejects.toThrow('enough');
      await other;
      expect((await mailbox.take()).user).toEqual(['123', '2']);
      expect(mailbox.waiting).toBe(0);
    });

    it('is not kept when its signal is aborted already', async () => {
      const mailbox = create();
      await expect(mailbox.put('a', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
      expect(mailbox.depth).toBe(0);
    });

    it('leaves no listener on the signal', async () => {
      const mailbox = create({ maxMessages: 1 });
      const stop = new AbortController();
      await mailbox.put('a', stop.signal);
      const admitted = mailbox.put('b', stop.signal);
      const refused = mailbox.put('c', stop.signal);
      expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
      await mailbox.take();
      await admitted;
      mailbox.close();
      await expect(refused).rejects.toMatchObject({ code: 'channel_closed' });

      expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    });

    it('refuses to wait when too many wait already', async () => {
      const mailbox = create({ maxMessages: 1, maxWaiting: 1 });
      mailbox.offer('a');
      const second = mailbox.put('b');
      await expect(mailbox.put('c')).rejects.toMatchObject({ code: 'mailbox_full' });
      await mailbox.take();
      await second;

      expect(mailbox.depth).toBe(1);
    });
  });

  describe('close', () => {
    it('returns what is left, once', () => {
      const mailbox = create();
      mailbox.tell('one');
      mailbox.offer('a');

      expect(mailbox.close()).toEqual({ control: ['one'], user: ['a'] });
      expect(mailbox.close()).toEqual({ control: [], user: [] });
      expect([mailbox.isClosed, mailbox.depth, mailbox.depthBytes, mailbox.controlDepth]).toEqual([true, 0, 0, 0]);
    });

    it('refuses what comes after it', async () => {
      const mailbox = create();
      mailbox.close();

      expect(mailbox.tell('one')).toBe(false);
      expect(mailbox.offer('a')).toBe(false);
      await expect(mailbox.put('a')).rejects.toMatchObject({ name: 'ChannelError', code: 'channel_closed' });
      await expect(mailbox.take()).rejects.toMatchObject({ name: 'ChannelError', code: 'channel_closed' });
    });

    it('settles everyone who waits', async () => {
      const idle = create();
      const consumer = idle.take();
      idle.close();
      await expect(consumer).rejects.toMatchObject({ code: 'channel_closed' });

      const full = create({ maxMessages: 1 });
      full.offer('a');
      const puts = Promise.allSettled([full.put('b'), full.put('c')]);
      expect(full.close().user).toEqual(['a']);
      for (const put of await puts)
        expect(put).toMatchObject({ status: 'rejected', reason: { code: 'channel_closed' } });
      expect(full.waiting).toBe(0);
    });
  });

  it('loses, doubles and reorders nothing, whatever senders, aborts, pauses and the close do', async () => {
    const seen = { waited: 0, aborted: 0, refused: 0, paused: 0, left: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('put', 'put', 'put and abort', 'offer', 'tell', 'pause', 'resume'), {
          minLength: 4,
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (scheduler, actions, maxMessages, maxBytes, maxUser) => {
          const mailbox = new Mailbox<number, { readonly id: number; readonly bytes: number }>({
            sizeOf: ({ bytes }) => bytes,
            maxMessages,
            maxBytes,
          });
          // Where each message ended, by what the senders and the consumer were told.
          const sent = { user: [] as number[], control: [] as number[] };
          const taken = { user: [] as number[], control: [] as number[] };
          const notKept = new Set<number>();
          const puts: Promise<void>[] = [];

          const act = (action: (typeof actions)[number], id: number): void => {
            const message = { id, bytes: id % 5 };
            if (action === 'pause') mailbox.pauseUser();
            else if (action === 'resume') mailbox.resumeUser();
            else if (action === 'tell') {
              if (mailbox.tell(id)) sent.control.push(id);
            } else if (action === 'offer') {
              sent.user.push(id);
              if (!mailbox.offer(message)) notKept.add(id);
            } else {
              sent.user.push(id);
              const stop = new AbortController();
              puts.push(
                mailbox.put(message, stop.signal).catch((error: unknown) => {
                  if (error === 'enough') seen.aborted += 1;
                  else seen.refused += 1;
                  notKept.add(id);
                }),
              );
              if (mailbox.waiting > 0) seen.waited += 1;
              if (action === 'put and abort') {
                void scheduler.schedule(Promise.resolve(), `abort ${id}`).then(() => stop.abort('enough'));
              }
            }
            if (mailbox.isUserPaused) seen.paused += 1;
            expect(mailbox.depth).toBeLessThanOrEqual(maxMessages);
            if (mailbox.depth > 1) expect(mailbox.depthBytes).toBeLessThanOrEqual(maxBytes);
          };

          const consume = async (): Promise<void> => {
            while (!mailbox.isClosed) {
              const batch = await mailbox.take(maxUser);
              expect(batch.user.length).toBeLessThanOrEqual(maxUser);
              expect(batch.user.length + batch.control.length).toBeGreaterThan(0);
              taken.control.push(...batch.control);
              taken.user.push(...batch.user.map(({ id }) => id));
              await scheduler.schedule(Promise.resolve(), 'consumer');
            }
          };
          const consumer = consume().catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'channel_closed' });
          });
          for (const [id, action] of actions.entries()) {
            void scheduler.schedule(Promise.resolve(), `${action} ${id}`).then(() => act(action, id));
          }
          await scheduler.waitIdle();

          const left = mailbox.close();
          await scheduler.waitIdle();
          await Promise.all([consumer, ...puts]);
          seen.left += left.user.length;
          const kept = sent.user.filter((id) => !notKept.has(id));
          expect([...taken.user, ...left.user.map(({ id }) => id)]).toEqual(kept);
          expect([...taken.control, ...left.control]).toEqual(sent.control);
        },
      ),
      { numRuns: 300 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
  });

  it('lets a timer fire between the batches of a consumer that never runs dry', async () => {
    const mailbox = create();
    let isOver = false;
    const timer = new Promise<void>((resolve) => {
      setTimeout(() => {
        isOver = true;
        resolve();
      }, 0);
    });
    const busy = async (): Promise<void> => {
      while (!isOver) {
        mailbox.offer('again');
        await mailbox.take();
        await yieldTurn();
      }
    };

    // Would never return if the consumer kept the loop to itself.
    await Promise.all([timer, busy()]);
    expect(mailbox.depth).toBe(0);
  });
});
