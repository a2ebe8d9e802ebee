import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseChannelName } from '../../src/base/channel-name.ts';
import type { ChannelLink, LinkEvent, LinkOptions, NoticeTopic, RelayTransport } from '../../src/transport/index.ts';
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

/** A relay that knows accounts, and what tells it that there is something new. */
export interface NoticesHarness {
  connect(account: string): RelayTransport;
  /** There is something new for the members of {@link CHANNEL}. */
  announce(topic: NoticeTopic): void;
  /** The account may not use {@link CHANNEL} any more. */
  expel(account: string): Promise<void>;
  close(): Promise<void>;
}

/** What every {@link RelayTransport} promises of notices, whatever carries it. */
export function describeNotices(name: string, createHarness: () => Promise<NoticesHarness>): void {
  describe(`notices of a relay transport: ${name}`, () => {
    let harness: NoticesHarness;
    let transports: RelayTransport[] = [];

    const connect = (account: string): RelayTransport => {
      const transport = harness.connect(account);
      transports.push(transport);
      return transport;
    };
    const open = (transport: RelayTransport, options: Partial<LinkOptions> = {}): ChannelLink =>
      transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100, ...options });
    const record = (link: ChannelLink): Recording<LinkEvent> => new Recording(link.events$);
    const topicsOf = ({ events }: Recording<LinkEvent>): readonly NoticeTopic[] =>
      events.flatMap((event) => (event.kind === 'notice' ? [event.topic] : []));
    /** Makes an account a member of the channel, as others do: by a commit and its Welcome. */
    const admit = async (by: ChannelLink, epoch: bigint, guest: RelayTransport, ref: string): Promise<void> => {
      const welcome = { keyPackageRefs: [id(ref)], payload: Buffer.from('welcome') };
      const waiting = guest.awaitWelcome(id(ref));
      await by.publish([commit(`adds ${ref}`, epoch, [welcome])]);
      await waiting;
    };

    beforeEach(async () => {
      harness = await createHarness();
    });
    afterEach(async () => {
      await Promise.all(transports.map((transport) => transport.close()));
      transports = [];
      await harness.close();
    });

    it('tells all who read the channel, whatever credit they have left, and nobody of another channel', async () => {
      const [alice, bob] = [connect('alice'), connect('bob')];
      const link = open(alice, { credit: 1 });
      await admit(link, 0n, bob, 'bob');
      const other = { channel: parseChannelName('acme/research/other'), group: OTHER_GROUP };
      const readers = [record(link), record(open(bob, { credit: 1 }))];
      const elsewhere = record(open(bob, other));
      await Promise.all(readers.map((reader) => hasEntries(reader, 1)));
      await elsewhere.until(hasKind('caught-up'));
      harness.announce('join-requests');
      await Promise.all(readers.map((reader) => reader.until(hasKind('notice'))));
      harness.announce('removals');
      await Promise.all(readers.map((reader) => reader.until(hasKind('notice', 2))));
      // A round trip on the same connection: anything for the other channel would have come before it.
      await open(bob, other).publish([message('c')]);
      await hasEntries(elsewhere, 1);

      expect(readers.map(topicsOf)).toEqual([
        ['join-requests', 'removals'],
        ['join-requests', 'removals'],
      ]);
      expect(readers.map((reader) => namesOf(entriesOf(reader)))).toEqual([['adds bob'], ['adds bob']]);
      expect(topicsOf(elsewhere)).toEqual([]);
    });

    it('tells one who has come back, and not of what was announced while it listened to nothing', async () => {
      const link = open(connect('alice'));
      const first = record(link);
      await first.until(hasKind('caught-up'));
      first.stop();
      harness.announce('removals');
      const second = record(link);
      await second.until(hasKind('caught-up'));
      harness.announce('join-requests');
      await second.until(hasKind('notice'));

      expect(topicsOf(first)).toEqual([]);
      expect(topicsOf(second)).toEqual(['join-requests']);
    });

    it('tells nothing to an account that may not read the channel any more', async () => {
      const [alice, bob] = [connect('alice'), connect('bob')];
      const link = open(alice);
      await admit(link, 0n, bob, 'bob');
      const [staying, leaving] = [record(link), record(open(bob))];
      await Promise.all([staying, leaving].map((reader) => reader.until(hasKind('caught-up'))));
      await harness.expel('bob');
      harness.announce('join-requests');
      await leaving.until((_, end) => end === 'completed');
      await staying.until(hasKind('notice'));

      expect(topicsOf(staying)).toEqual(['join-requests']);
      expect(topicsOf(leaving)).toEqual([]);
    });
  });
}
