import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelLink, LinkEvent, LinkOptions, RelayTransport } from '../../src/transport/index.ts';
import { Recording } from './support/recording.ts';
import {
  CHANNEL,
  GROUP,
  OTHER_GROUP,
  commit,
  entriesOf,
  hasEntries,
  hasKind,
  id,
  message,
  namesOf,
} from './support/submissions.ts';

/** A relay and the means to do to it what happens in the world. */
export interface RelayHarness {
  connect(): RelayTransport;
  /** Cuts all connections; nobody reaches the relay any more. */
  interrupt(): Promise<void>;
  /** The relay is there (again), with the log that it had. */
  restore(): Promise<void>;
  /** Retention takes all entries up to and including `seq`. */
  trim(seq: number): Promise<void>;
  /** Larger payloads are refused. */
  readonly maxPayloadBytes: number;
  close(): Promise<void>;
}

/** What every {@link RelayTransport} promises, whatever carries it. `isOnline` false: the relay is not there yet. */
export function describeRelayTransport(
  name: string,
  createHarness: (options: { readonly isOnline: boolean }) => Promise<RelayHarness>,
): void {
  describe(`relay transport: ${name}`, () => {
    let harness: RelayHarness;
    let transports: RelayTransport[] = [];

    const connect = (): RelayTransport => {
      const transport = harness.connect();
      transports.push(transport);
      return transport;
    };
    const open = (transport: RelayTransport, options: Partial<LinkOptions> = {}): ChannelLink =>
      transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100, ...options });
    const record = (link: ChannelLink): Recording<LinkEvent> => new Recording(link.events$);
    const isOnline = (transport: RelayTransport): Promise<void> =>
      new Recording(transport.status$).until((statuses) => statuses.at(-1)?.kind === 'online');

    beforeEach(async () => {
      harness = await createHarness({ isOnline: true });
    });
    afterEach(async () => {
      await Promise.all(transports.map((transport) => transport.close()));
      transports = [];
      await harness.close();
    });

    it('stores messages in the order of publishing and delivers them in one order to all', async () => {
      const alice = open(connect());
      const before = record(open(connect()));
      const answers = await alice.publish([message('a'), message('b')]);
      const more = await alice.publish([message('c')]);
      await hasEntries(before, 3);
      const after = record(open(connect()));
      await hasEntries(after, 3);

      expect(namesOf(entriesOf(before))).toEqual(['a', 'b', 'c']);
      expect(entriesOf(after)).toEqual(entriesOf(before));
      expect([...answers, ...more]).toEqual(
        entriesOf(before).map(({ seq }) => ({ kind: 'accepted', seq, duplicate: false })),
      );
    });

    it('delivers what was submitted, byte by byte, with the time of its storing', async () => {
      const link = open(connect());
      const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await link.publish([{ ...commit('a', 0n), payload }]);
      const reader = record(link);
      await hasEntries(reader, 1);

      const [entry] = entriesOf(reader);
      expect(entry).toMatchObject({ kind: 'commit', epoch: 0n, prevSeq: 0 });
      expect(Buffer.from(entry!.payload)).toEqual(payload);
      expect(Buffer.from(entry!.messageId)).toEqual(Buffer.from(id('a')));
      expect(entry!.storedAtMs).toBeGreaterThan(0);
    });

    it('names the predecessor of every entry, so that a reader can prove that nothing is missing', async () => {
      const link = open(connect());
      for (const name of ['a', 'b', 'c', 'd']) await link.publish([message(name)]);
      const reader = record(link);
      await hasEntries(reader, 4);

      const entries = entriesOf(reader);
      expect(entries.map(({ prevSeq }) => prevSeq)).toEqual([0, ...entries.map(({ seq }) => seq).slice(0, -1)]);
    });

    it('answers a message id that it knows with its old number and does not store it again', async () => {
      const link = open(connect());
      const [first] = await link.publish([message('a')]);
      const [again, other] = await link.publish([message('a'), message('b')]);
      const reader = record(link);
      await hasEntries(reader, 2);

      expect(again).toEqual({ ...first, duplicate: true });
      expect(other).toMatchObject({ kind: 'accepted', duplicate: false });
      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b']);
    });

    it('answers an id twice in one batch with one number', async () => {
      const link = open(connect());
      const [first, second] = await link.publish([message('a'), message('a')]);

      expect(first).toMatchObject({ kind: 'accepted', duplicate: false });
      expect(second).toEqual({ ...first, duplicate: true });
    });

    it('lets the first commit of an epoch win and tells the others where the channel is', async () => {
      const [alice, bob] = [open(connect()), open(connect())];
      const answers = (
        await Promise.all([alice.publish([commit('alice', 0n)]), bob.publish([commit('bob', 0n)])])
      ).flat();
      const reader = record(open(connect()));
      await reader.until(hasKind('caught-up'));

      expect(answers.map(({ kind }) => kind).sort()).toEqual(['accepted', 'refused']);
      expect(answers.find(({ kind }) => kind === 'refused')).toMatchObject({
        reason: 'epoch-decided',
        currentEpoch: 1n,
      });
      expect(entriesOf(reader)).toHaveLength(1);
    });

    it('refuses a commit of an epoch that the log has not reached', async () => {
      const [answer] = await open(connect()).publish([commit('early', 1n)]);

      expect(answer).toMatchObject({ kind: 'refused', reason: 'epoch-unknown', currentEpoch: 0n });
    });

    it('delivers the Welcome of the commit that won, and never that of one that lost', async () => {
      const [alice, bob, carol] = [connect(), connect(), connect()];
      const welcome = (of: string) => ({ keyPackageRefs: [id(`for ${of}`)], payload: Buffer.from(`welcome ${of}`) });
      const waiting = carol.awaitWelcome(id('for winner'));
      const never = new AbortController();
      const lost = carol.awaitWelcome(id('for loser'), never.signal).then(
        () => 'delivered',
        (reason: unknown) => reason,
      );
      const [won] = await open(alice).publish([commit('winner', 0n, [welcome('winner')])]);
      const [refused] = await open(bob).publish([commit('loser', 0n, [welcome('loser')])]);

      expect(won).toMatchObject({ kind: 'accepted' });
      expect(refused).toMatchObject({ kind: 'refused' });
      const delivery = await waiting;
      expect(delivery).toMatchObject({ channel: CHANNEL, commitSeq: won?.kind === 'accepted' ? won.seq : NaN });
      expect(Buffer.from(delivery.payload).toString()).toBe('welcome winner');
      // A round trip on the same connection: anything for the loser would have come before it.
      await open(carol).publish([message('after', 1n)]);
      never.abort('nothing came');
      await expect(lost).resolves.toBe('nothing came');
    });

    it('delivers a Welcome that was there before anybody asked, and again to who asks again', async () => {
      const welcome = { keyPackageRefs: [id('ref')], payload: Buffer.from('welcome') };
      await open(connect()).publish([commit('add', 0n, [welcome])]);
      const carol = connect();

      expect(Buffer.from((await carol.awaitWelcome(id('ref'))).payload).toString()).toBe('welcome');
      expect(Buffer.from((await carol.awaitWelcome(id('ref'))).payload).toString()).toBe('welcome');
    });

    it('starts behind the commit that ended an epoch', async () => {
      const link = open(connect());
      await link.publish([message('before'), commit('add', 0n), message('old', 0n), message('new', 1n)]);
      const joiner = record(open(connect(), { start: { afterCommitOfEpoch: 0n } }));
      await joiner.until(hasKind('caught-up'));

      expect(namesOf(entriesOf(joiner))).toEqual(['old', 'new']);
    });

    it('delivers no more entries than it has credit for', async () => {
      const link = open(connect(), { credit: 2 });
      await link.publish(['a', 'b', 'c', 'd', 'e'].map((name) => message(name)));
      const reader = record(link);
      await hasEntries(reader, 2);
      // A round trip: what was sent without credit would have arrived before the answer.
      await link.publish([message('f')]);
      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b']);

      link.grant(1);
      await hasEntries(reader, 3);
      await link.publish([message('g')]);
      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b', 'c']);

      link.grant(100);
      await hasEntries(reader, 7);
      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    });

    it('tells once when all that was in the log has been delivered', async () => {
      const link = open(connect());
      const empty = record(open(connect()));
      await empty.until(hasKind('caught-up'));
      expect(empty.events).toEqual([{ kind: 'online' }, { kind: 'caught-up', headSeq: 0 }]);

      const [, second] = await link.publish([message('a'), message('b')]);
      const reader = record(link);
      await reader.until(hasKind('caught-up'));
      const { seq } = second as { readonly seq: number };
      expect(reader.events.map(({ kind }) => kind)).toEqual(['online', 'entries', 'caught-up']);
      expect(reader.events.at(-1)).toEqual({ kind: 'caught-up', headSeq: seq });

      await link.publish([message('c')]);
      await hasEntries(reader, 3);
      expect(reader.events.filter(({ kind }) => kind === 'caught-up')).toHaveLength(1);
    });

    it('goes on behind the last entry after an interruption, without loss or repetition', async () => {
      const [alice, bob] = [connect(), connect()];
      const link = open(alice);
      const reader = record(open(bob));
      await link.publish([message('a'), message('b')]);
      await hasEntries(reader, 2);
      await harness.interrupt();
      await reader.until(hasKind('offline'));
      await harness.restore();
      await isOnline(alice);
      await link.publish([message('c')]);
      await hasEntries(reader, 3);
      await reader.until(hasKind('caught-up', 2));

      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b', 'c']);
      expect(reader.events.map(({ kind }) => kind).filter((kind) => kind === 'online' || kind === 'offline')).toEqual([
        'online',
        'offline',
        'online',
      ]);
    });

    it('keeps the credit that is left across an interruption', async () => {
      const link = open(connect(), { credit: 2 });
      const reader = record(link);
      await link.publish([message('a')]);
      await hasEntries(reader, 1);
      await harness.interrupt();
      await reader.until(hasKind('offline'));
      link.grant(1);
      await harness.restore();
      await reader.until(hasKind('caught-up', 2));
      await link.publish(['b', 'c', 'd'].map((name) => message(name)));
      await hasEntries(reader, 3);
      await link.publish([message('e')]);

      expect(namesOf(entriesOf(reader))).toEqual(['a', 'b', 'c']);
    });

    it('starts a second subscription behind the last entry of the first', async () => {
      const link = open(connect());
      const first = record(link);
      await link.publish([message('a')]);
      await hasEntries(first, 1);
      first.stop();
      await link.publish([message('b')]);
      const second = record(link);
      await second.until(hasKind('caught-up'));

      expect(namesOf(entriesOf(first))).toEqual(['a']);
      expect(namesOf(entriesOf(second))).toEqual(['b']);
    });

    it('has room for one subscriber at a time', async () => {
      const link = open(connect());
      const first = record(link);
      const second = record(link);

      expect(second.end).toMatchObject({ error: { code: 'invalid_argument' } });
      await first.until(hasKind('caught-up'));
    });

    it('tells what retention has taken, then goes on', async () => {
      const link = open(connect());
      const answers = await link.publish(['a', 'b', 'c', 'd'].map((name) => message(name)));
      const seqs = answers.map((answer) => (answer.kind === 'accepted' ? answer.seq : NaN));
      await harness.trim(seqs[1]!);
      const reader = record(open(connect()));
      await reader.until(hasKind('caught-up'));
      const late = record(open(connect(), { start: { afterSeq: seqs[1]! } }));
      await late.until(hasKind('caught-up'));

      expect(reader.events[1]).toEqual({ kind: 'gap', afterSeq: 0, resumesAtSeq: seqs[2] });
      expect(namesOf(entriesOf(reader))).toEqual(['c', 'd']);
      expect(late.events.some(({ kind }) => kind === 'gap')).toBe(false);
      expect(namesOf(entriesOf(late))).toEqual(['c', 'd']);
    });

    it('refuses a reader whose place is behind the end of the log', async () => {
      await open(connect()).publish([message('a')]);
      const reader = record(open(connect(), { start: { afterSeq: 100 } }));
      await reader.until((_, end) => end === 'completed');

      expect(reader.events.at(-1)).toMatchObject({ kind: 'refused', reason: 'log-went-back' });
      expect(entriesOf(reader)).toEqual([]);
    });

    it('delivers one Welcome to everybody whom it is for', async () => {
      const refs = ['bob', 'carol'].map((who) => id(`for ${who}`));
      const waiting = refs.map((ref) => connect().awaitWelcome(ref));
      const welcome = { keyPackageRefs: refs, payload: Buffer.from('welcome both') };
      await open(connect()).publish([commit('add', 0n, [welcome])]);

      for (const { payload } of await Promise.all(waiting)) {
        expect(Buffer.from(payload).toString()).toBe('welcome both');
      }
    });

    it('refuses another group under the name of a channel', async () => {
      await open(connect()).publish([message('a')]);
      const stranger = open(connect(), { group: OTHER_GROUP });
      const [answer] = await stranger.publish([message('b')]);
      const reader = record(stranger);
      await reader.until((_, end) => end === 'completed');

      expect(answer).toMatchObject({ kind: 'refused', reason: 'foreign-group' });
      expect(reader.events.at(-1)).toMatchObject({ kind: 'refused', reason: 'foreign-group' });
      expect(entriesOf(reader)).toEqual([]);
    });

    it('refuses a message that is too many epochs old, and tells the epoch to encrypt it in', async () => {
      const link = open(connect());
      await link.publish([0n, 1n, 2n, 3n, 4n].map((epoch) => commit(`commit ${epoch}`, epoch)));
      const [stale, kept] = await link.publish([message('epoch 0', 0n), message('epoch 1', 1n)]);

      expect(stale).toMatchObject({ kind: 'refused', reason: 'stale-epoch', currentEpoch: 5n });
      expect(kept).toMatchObject({ kind: 'accepted' });
    });

    it('refuses a payload that is too large, and stores the others of its batch', async () => {
      const link = open(connect());
      const large = { ...message('large'), payload: new Uint8Array(harness.maxPayloadBytes + 1) };
      const largest = { ...message('largest'), payload: new Uint8Array(harness.maxPayloadBytes) };
      const answers = await link.publish([message('a'), large, largest]);
      const reader = record(link);
      await reader.until(hasKind('caught-up'));

      expect(answers.map((answer) => (answer.kind === 'refused' ? answer.reason : answer.kind))).toEqual([
        'accepted',
        'too-large',
        'accepted',
      ]);
      expect(namesOf(entriesOf(reader))).toEqual(['a', 'largest']);
    });

    it('publishes more than fits into one frame, in order', async () => {
      const link = open(connect(), { credit: 1000 });
      const names = Array.from({ length: 300 }, (_, index) => `m${index}`);
      const answers = await link.publish(names.map((name) => message(name)));
      const reader = record(link);
      await hasEntries(reader, names.length);

      expect(namesOf(entriesOf(reader))).toEqual(names);
      expect(answers.map((answer) => (answer.kind === 'accepted' ? answer.seq : NaN))).toEqual(
        entriesOf(reader).map(({ seq }) => seq),
      );
    });

    it('answers nothing to nothing', async () => {
      await expect(open(connect()).publish([])).resolves.toEqual([]);
    });

    it.each([
      ['a message id of 15 bytes', () => [{ ...message('a'), messageId: new Uint8Array(15) }]],
      [
        'a Welcome without a commit',
        () => [{ ...message('a'), welcomes: [{ keyPackageRefs: [id('r')], payload: id('w') }] }],
      ],
    ])('rejects %s as misuse', async (_, submissions) => {
      await expect(open(connect()).publish(submissions())).rejects.toMatchObject({ code: 'invalid_argument' });
    });

    it('rejects a link with a group of 15 bytes, or without credit, as misuse', () => {
      const transport = connect();
      expect(() => open(transport, { group: new Uint8Array(15) })).toThrow(/16 bytes/);
      expect(() => open(transport, { credit: 0 })).toThrow(/credit/);
    });

    it('keeps channels apart', async () => {
      const transport = connect();
      const other = 'acme/research/other' as LinkOptions['channel'];
      const readers = [record(open(transport)), record(open(transport, { channel: other, group: OTHER_GROUP }))];
      await open(transport, { channel: other, group: OTHER_GROUP }).publish([message('theirs')]);
      await open(transport).publish([message('ours')]);
      await Promise.all(readers.map((reader) => hasEntries(reader, 1)));

      expect(readers.map((reader) => namesOf(entriesOf(reader)))).toEqual([['ours'], ['theirs']]);
    });

    it('rejects publishes at once while it is offline', async () => {
      const transport = connect();
      const link = open(transport);
      await link.publish([message('a')]);
      await harness.interrupt();
      await new Recording(transport.status$).until((statuses) => statuses.at(-1)?.kind === 'offline');

      await expect(link.publish([message('b')])).rejects.toMatchObject({ code: 'connection_error' });
    });

    it('does nothing before it is used', async () => {
      const transport = connect();
      open(transport);
      expect(transport.status$.value).toEqual({ kind: 'idle' });
      await transport.close();
      expect(transport.status$.value).toEqual({ kind: 'closed' });
    });

    it('ends everything that waits when it is closed', async () => {
      const transport = connect();
      const statuses = new Recording(transport.status$);
      const link = open(transport);
      const reader = record(link);
      await reader.until(hasKind('caught-up'));
      const welcome = transport.awaitWelcome(id('never'));
      const publish = link.publish([message('a')]);
      const rejections = Promise.all([
        expect(welcome).rejects.toMatchObject({ code: 'connection_lost' }),
        expect(publish).rejects.toMatchObject({ code: 'connection_lost' }),
      ]);
      await transport.close();
      await transport.close();
      await rejections;

      expect(reader.end).toBe('completed');
      expect(statuses.end).toBe('completed');
      expect(statuses.events.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'online', 'closed']);
      await expect(link.publish([message('b')])).rejects.toMatchObject({ code: 'connection_lost' });
      await expect(transport.awaitWelcome(id('never'))).rejects.toMatchObject({ code: 'connection_lost' });
      expect(record(link)).toMatchObject({ end: 'completed', events: [] });
    });

    it('rejects waiting for a Welcome with the reason of the signal', async () => {
      const transport = connect();
      const controller = new AbortController();
      const waiting = transport.awaitWelcome(id('never'), controller.signal);
      controller.abort(new Error('enough'));

      await expect(waiting).rejects.toThrow('enough');
      await expect(transport.awaitWelcome(id('never'), AbortSignal.abort('before'))).rejects.toBe('before');
    });

    it('waits for a Welcome across an interruption', async () => {
      const transport = connect();
      const waiting = transport.awaitWelcome(id('ref'));
      await isOnline(transport);
      await harness.interrupt();
      await harness.restore();
      const alice = connect();
      await open(alice).publish([commit('add', 0n, [{ keyPackageRefs: [id('ref')], payload: id('welcome') }])]);

      await expect(waiting).resolves.toMatchObject({ channel: CHANNEL });
    });

    describe('when the relay is not there yet', () => {
      beforeEach(async () => {
        await harness.close();
        harness = await createHarness({ isOnline: false });
      });

      it('says so on its status, tries on, and serves what waits when the relay comes', async () => {
        const transport = connect();
        const statuses = new Recording(transport.status$);
        const reader = record(open(transport));
        await statuses.until((all) => all.at(-1)?.kind === 'offline');
        expect(statuses.events.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'offline']);
        expect(statuses.events[1]).toEqual({ kind: 'connecting', attempt: 1 });
        expect(statuses.events[2]).toMatchObject({ attempt: 1, cause: { code: 'connection_error' } });
        await harness.restore();
        await reader.until(hasKind('caught-up'));

        const seen = statuses.events.map(({ kind }) => kind);
        expect(seen.at(-1)).toBe('online');
        expect(seen.filter((kind) => kind === 'online')).toHaveLength(1);
        expect(reader.events[0]).toEqual({ kind: 'online' });
      });

      it('rejects a publish when the first attempt to connect has failed', async () => {
        await expect(open(connect()).publish([message('a')])).rejects.toMatchObject({ code: 'connection_error' });
      });
    });
  });
}
