import { expect, it } from 'vitest';
import type { ExchangePorts, Parcel } from '../../../src/actors/channel/exchange-ports.ts';
import { leaseOf, presenceIntervalMs } from '../../../src/actors/channel/presence.ts';
import { PresenceAnnouncer } from '../../../src/actors/channel/presence-announcer.ts';
import { PresenceDesk } from '../../../src/actors/channel/presence-desk.ts';
import type { ChannelMember, ChannelState, EpochChange, PresenceNotice } from '../../../src/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { bytes, text } from '../../support/swarm.ts';

const SECOND = 1_000;
const member = (name: string, leaf: number): ChannelMember => ({
  identity: bytes(name),
  leaf,
  signatureKey: new Uint8Array(),
});

function world(...names: readonly string[]): {
  clock: ManualClock;
  desk: PresenceDesk;
  seen: string[];
  says: (name: string, leaseMs: number, phase?: 'replay' | 'live', agoMs?: number) => void;
  talks: (name: string, phase?: 'replay' | 'live') => void;
  leaves: (name: string) => void;
} {
  const clock = new ManualClock();
  const members = names.map(member);
  const state = (): ChannelState => ({ members }) as unknown as ChannelState;
  const desk = new PresenceDesk({ clock, state, self: bytes('alice') });
  const seen: string[] = [];
  desk.present$.subscribe((present) => seen.push(present.map((one) => text(one.member.identity)).join(' ')));
  const arrival = (name: string, phase: 'replay' | 'live') =>
    ({ seq: 1, epoch: 1n, sender: bytes(name), phase, receivedAt: clock.now() }) as const;
  return {
    clock,
    desk,
    seen,
    says: (name, leaseMs, phase = 'live', agoMs = 0) => {
      const notice: PresenceNotice = {
        kind: 'presence',
        ...arrival(name, phase),
        leaseMs,
        storedAt: clock.now() - agoMs,
      };
      desk.take(notice);
    },
    talks: (name, phase = 'live') => desk.heard(arrival(name, phase)),
    leaves: (name) => desk.changed({ added: [], removed: [member(name, 0)] } as unknown as EpochChange),
  };
}

it('shows a member from its first sign on until its lease ends, and emits on change only', () => {
  const { clock, desk, seen, says } = world('alice', 'bob', 'carol');
  desk.follow(true);
  says('bob', 60 * SECOND);
  clock.advance(50 * SECOND);
  says('bob', 60 * SECOND);
  says('carol', 60 * SECOND);
  says('alice', 60 * SECOND);
  clock.advance(59 * SECOND);
  expect(seen).toEqual(['', 'bob', 'bob carol']);
  clock.advance(SECOND);
  expect(seen.at(-1)).toBe('');
  expect(clock.waiting).toBe(0);
});

it('takes whatever a member says as a sign, unless it is old', () => {
  const { clock, desk, seen, talks } = world('alice', 'bob', 'carol');
  desk.follow(true);
  talks('carol', 'replay');
  talks('bob');
  expect(seen).toEqual(['', 'bob']);
  clock.advance(leaseOf(presenceIntervalMs(3)));
  expect(seen.at(-1)).toBe('');
});

it('shows nobody who says that it goes, is removed, or is no member any more', () => {
  const { desk, seen, says, leaves } = world('alice', 'bob', 'carol');
  desk.follow(true);
  says('bob', 60 * SECOND);
  says('carol', 60 * SECOND);
  says('mallory', 60 * SECOND);
  says('bob', 0);
  leaves('carol');
  expect(seen).toEqual(['', 'bob', 'bob carol', 'carol', '']);
});

it('takes nobody as gone while nothing can be heard, and gives everybody the time of one announcement after that', () => {
  const { clock, desk, seen, says } = world('alice', 'bob');
  desk.follow(true);
  says('bob', 75 * SECOND);
  desk.follow(false);
  clock.advance(3_600 * SECOND);
  expect(seen.at(-1)).toBe('bob');
  desk.follow(true);
  clock.advance(29 * SECOND);
  expect(seen.at(-1)).toBe('bob');
  clock.advance(SECOND);
  expect(seen.at(-1)).toBe('');
});

it('takes an announcement out of the log for what is left of it', () => {
  const { clock, desk, seen, says } = world('alice', 'bob', 'carol');
  says('bob', 75 * SECOND, 'replay', 80 * SECOND);
  says('carol', 75 * SECOND, 'replay', 15 * SECOND);
  desk.follow(true);
  expect(seen).toEqual(['', 'carol']);
  clock.advance(60 * SECOND);
  expect(seen.at(-1)).toBe('');
});

it('lets nobody go because the clock has jumped ahead, and keeps nobody for ever because it has jumped back', () => {
  const { clock, desk, seen, says } = world('alice', 'bob');
  desk.follow(true);
  says('bob', 75 * SECOND);
  clock.advance(8 * 3_600 * SECOND);
  expect(seen.at(-1)).toBe('bob');
  clock.advance(30 * SECOND);
  expect(seen.at(-1)).toBe('');

  says('bob', 75 * SECOND);
  desk.follow(false);
  clock.advance(-3_600 * SECOND);
  desk.follow(true);
  clock.advance(75 * SECOND);
  expect(seen.at(-1)).toBe('');
});

it('shows nobody after the end, and leaves no timer', () => {
  const { clock, desk, says } = world('alice', 'bob');
  desk.follow(true);
  says('bob', 75 * SECOND);
  desk.stop();
  expect(desk.present$.value).toEqual([]);
  expect(clock.waiting).toBe(0);
});

function announcing(
  members: number,
  fraction = 0.5,
): { clock: ManualClock; announcer: PresenceAnnouncer; sent: number[] } {
  const clock = new ManualClock();
  const sent: number[] = [];
  const state = { members: Array.from({ length: members }, (_, leaf) => member(`m${leaf}`, leaf)) };
  const ports = {
    clock,
    random: { fraction: () => fraction, bytes: (length: number) => new Uint8Array(length) },
    state: () => state,
    checkOpen: () => undefined,
    fault: () => undefined,
    send: ({ header, stored }: Parcel) => {
      if (header.kind?.case === 'presence') sent.push(header.kind.value.leaseMs ?? -1);
      stored?.({ seq: 1, epoch: 1n, messageId: '' });
    },
  };
  return { clock, sent, announcer: new PresenceAnnouncer(ports as unknown as ExchangePorts & typeof ports) };
}

/** Lets time pass second by second, as a machine does. */
function pass(clock: ManualClock, seconds: number): void {
  for (let second = 0; second < seconds; second += 1) clock.advance(SECOND);
}

it('says that it is there when the channel is live, again before its lease ends, and that it goes', () => {
  const { clock, announcer, sent } = announcing(2);
  const there = announcer.announce({});
  pass(clock, 100);
  expect(sent).toEqual([]);
  announcer.follow(true);
  pass(clock, 1);
  expect(sent).toEqual([75 * SECOND]);
  pass(clock, 75);
  expect(sent.length).toBeGreaterThanOrEqual(3);
  there.unsubscribe();
  expect(sent.at(-1)).toBe(0);
  expect(clock.waiting).toBe(0);
});

it('says nothing while its messages say it', () => {
  const { clock, announcer, sent } = announcing(2);
  announcer.announce({});
  announcer.follow(true);
  pass(clock, 1);
  for (let round = 0; round < 100; round += 1) {
    announcer.told();
    pass(clock, 10);
  }
  expect(sent).toHaveLength(1);
});

it('costs a group about one message a second, however large it is', () => {
  for (const members of [2, 30, 300, 3_000]) {
    const { clock, announcer, sent } = announcing(members);
    announcer.announce({});
    announcer.follow(true);
    pass(clock, 7_200);
    const perSecond = (sent.length * members) / 7_200;
    expect(perSecond).toBeLessThan(1.5);
    expect(Math.max(...sent)).toBe(leaseOf(presenceIntervalMs(members)));
  }
});

it('does not pile up announcements while the channel is away, and speaks up when it is back', () => {
  const { clock, announcer, sent } = announcing(2);
  announcer.announce({ intervalMs: 1_000 });
  announcer.follow(true);
  pass(clock, 1);
  const before = sent.length;
  announcer.follow(false);
  pass(clock, 3_600);
  expect(sent).toHaveLength(before);
  announcer.follow(true);
  pass(clock, 1);
  expect(sent).toHaveLength(before + 1);
});

it('takes the shortest of the intervals that are wished for, and ends with the last wish', () => {
  const { clock, announcer, sent } = announcing(2);
  const [slow, fast] = [announcer.announce({}), announcer.announce({ intervalMs: 2_000 })];
  announcer.follow(true);
  pass(clock, 20);
  expect(sent.length).toBeGreaterThanOrEqual(9);
  fast.unsubscribe();
  expect(sent).not.toContain(0);
  slow.unsubscribe();
  expect(sent.at(-1)).toBe(0);
  expect(() => announcer.announce({ intervalMs: 10 })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});
