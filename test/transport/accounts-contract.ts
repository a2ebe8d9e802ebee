import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseChannelName } from '../../src/base/channel-name.ts';
import type { ChannelLink, LinkEvent, Quota, RelayTransport } from '../../src/transport/index.ts';
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

/** A relay that knows accounts, and the means to be strict with them. */
export interface AccountsHarness {
  connect(account: string): RelayTransport;
  /** The next so many messages come too fast. */
  limitRate(messages: number, retryAfterMs: number): void;
  /** The account may not use {@link CHANNEL} any more. */
  expel(account: string): void;
  close(): Promise<void>;
}

/** What every {@link RelayTransport} tells of a relay that authenticates and counts, whatever carries it. */
export function describeAccounts(
  name: string,
  createHarness: (options: { readonly messagesPerMonth: number; readonly nowMs: number }) => Promise<AccountsHarness>,
): void {
  describe(`relay transport with accounts: ${name}`, () => {
    let harness: AccountsHarness;
    let transports: RelayTransport[] = [];

    const connect = (account: string): RelayTransport => {
      const transport = harness.connect(account);
      transports.push(transport);
      return transport;
    };
    const open = (transport: RelayTransport): ChannelLink =>
      transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100 });
    const record = (link: ChannelLink): Recording<LinkEvent> => new Recording(link.events$);
    const outcomes = async (answers: ReturnType<ChannelLink['publish']>): Promise<readonly string[]> =>
      (await answers).map((answer) => (answer.kind === 'refused' ? answer.reason : answer.kind));

    beforeEach(async () => {
      harness = await createHarness({ messagesPerMonth: 3, nowMs: Date.UTC(2026, 11, 31, 23) });
    });
    afterEach(async () => {
      await Promise.all(transports.map((transport) => transport.close()));
      transports = [];
      await harness.close();
    });

    it('says that it authenticates', () => {
      expect(connect('alice').isAuthenticated).toBe(true);
    });

    it('tells the quota with every publish, before its answers, and refuses what is above it', async () => {
      const transport = connect('alice');
      const quotas = new Recording<Quota | undefined>(transport.quota$);
      const link = open(transport);
      await link.publish([message('a')]);
      expect(transport.quota$.value).toEqual({ limit: 3, remaining: 2, resetsAtMs: Date.UTC(2027, 0) });
      const answers = await link.publish(['b', 'c', 'd', 'e'].map((each) => message(each)));
      await link.publish([commit('commit', 0n)]);
      const other = parseChannelName('acme/research/other');
      const elsewhere = transport.open({ channel: other, group: OTHER_GROUP, start: { afterSeq: 0 }, credit: 1 });

      expect(answers.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'refused', 'refused']);
      expect(answers.at(-1)).toMatchObject({ reason: 'quota-exceeded', retryAfterMs: 3_600_000 });
      expect(await outcomes(elsewhere.publish([message('f')]))).toEqual(['quota-exceeded']);
      expect(quotas.events.map((quota) => quota?.remaining)).toEqual([undefined, 2, 0]);
    });

    it('lets commits through above the quota, and what is stored already', async () => {
      const link = open(connect('alice'));
      await link.publish(['a', 'b', 'c'].map((each) => message(each)));

      expect(await outcomes(link.publish([message('a'), commit('commit', 0n), message('d')]))).toEqual([
        'accepted',
        'accepted',
        'quota-exceeded',
      ]);
    });

    it('does not let what was under way overtake a message that came too fast', async () => {
      const link = open(connect('alice'));
      const reader = record(link);
      harness.limitRate(1, 250);
      const [first, second] = await Promise.all([link.publish([message('a')], 1), link.publish([message('b')], 1)]);
      const passing = await outcomes(link.publish([commit('commit', 0n)]));

      expect(first).toMatchObject([{ kind: 'refused', reason: 'rate-limited', retryAfterMs: 250 }]);
      expect(second).toMatchObject([{ kind: 'refused', reason: 'rate-limited' }]);
      expect(passing).toEqual(['accepted']);
      await link.publish([message('a'), message('b')], 2);
      await hasEntries(reader, 3);
      expect(namesOf(entriesOf(reader))).toEqual(['commit', 'a', 'b']);
    });

    it('opens a channel to the account that is handed a Welcome, and to no other', async () => {
      const alice = open(connect('alice'));
      await alice.publish([commit('add', 0n, [{ keyPackageRefs: [id('ref')], payload: Buffer.from('welcome') }])]);
      const bob = connect('bob');
      expect(await outcomes(open(bob).publish([message('early', 1n)]))).toEqual(['unauthorized']);
      const early = record(open(bob));
      await early.until((_, end) => end === 'completed');
      expect(early.events.at(-1)).toMatchObject({
        kind: 'refused',
        reason: 'unauthorized',
        error: { code: 'unauthorized', httpStatus: 403 },
      });

      expect(await bob.awaitWelcome(id('ref'))).toMatchObject({ channel: CHANNEL });
      expect(await outcomes(open(bob).publish([message('now', 1n)]))).toEqual(['accepted']);
      await expect(connect('mallory').awaitWelcome(id('ref'))).rejects.toMatchObject({
        name: 'AuthError',
        code: 'unauthorized',
      });
      // The same account once more, after a crash for example.
      expect(await connect('bob').awaitWelcome(id('ref'))).toMatchObject({ channel: CHANNEL });
    });

    it('ends the link of an account that may not read any more, and nothing else', async () => {
      const transport = connect('alice');
      const reader = record(open(transport));
      await open(transport).publish([message('a')]);
      await hasEntries(reader, 1);
      await reader.until(hasKind('caught-up'));
      harness.expel('alice');
      await reader.until((_, end) => end === 'completed');

      expect(reader.events.at(-1)).toMatchObject({
        kind: 'refused',
        reason: 'unauthorized',
        error: { name: 'AuthError' },
      });
      expect(await outcomes(open(transport).publish([message('b')]))).toEqual(['unauthorized']);
      expect(transport.status$.value).toEqual({ kind: 'online' });
    });
  });
}
