import { describe, expect, test } from 'vitest';
import type { Announcement } from '../../../src/relay/engine/log-engine.ts';
import { freshChannelName } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { temporaryDirectory } from '../support/temp-dir.ts';

/** What relays tell each other beside the log. */
export function describeAnnouncements(suite: EngineSuite): void {
  describe(`${suite.name}: announcements`, () => {
    test('are told to all who listen before the call returns, in their order, and not to who comes later', async () => {
      const engine = await suite.engine({ place: await temporaryDirectory() });
      const heard: Announcement[][] = [[], []];
      for (const each of heard) engine.announcements$.subscribe((announcement) => each.push(announcement));
      const announcements: Announcement[] = [
        { kind: 'notice', channel: freshChannelName(), topic: 'join-requests' },
        { kind: 'withdrawn', keyId: 'c0ffee00-0000-4000-8000-000000000001', untilMs: 1_000_000_003_600 },
        { kind: 'notice', channel: freshChannelName(), topic: 'removals' },
      ];
      for (const announcement of announcements) engine.announce(announcement);
      expect(heard).toEqual([announcements, announcements]);
      const late: Announcement[] = [];
      engine.announcements$.subscribe((announcement) => late.push(announcement));
      expect(late).toEqual([]);
    });

    test('end with the engine', async () => {
      const engine = await suite.engine({ place: await temporaryDirectory() });
      const heard: unknown[] = [];
      engine.announcements$.subscribe({ next: (each) => heard.push(each), complete: () => heard.push('completed') });
      await engine.close();
      engine.announce({ kind: 'notice', channel: freshChannelName(), topic: 'removals' });
      expect(heard).toEqual(['completed']);
    });
  });
}
