import { describe, expect, test } from 'vitest';
import { message, messages } from '../support/submissions.ts';
import { freshAccount } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { temporaryDirectory } from '../support/temp-dir.ts';

/** Health, and how an engine ends. */
export function describeLifecycle(suite: EngineSuite): void {
  describe(`${suite.name}: health`, () => {
    test('says that all is well, and what becomes of what is acknowledged', async () => {
      const log = await suite.channel();
      await log.store(...messages(3));
      const health = await log.engine.health();
      expect(health).toMatchObject({ durability: suite.traits.durability });
      // An engine under test may be weaker than one in use (one replica), and then says so; it never fails.
      expect(health.status).toBe(health.warnings.length === 0 ? 'ok' : 'degraded');
      for (const value of Object.values(health.details)) expect(['string', 'number']).toContain(typeof value);
    });
  });

  describe(`${suite.name}: close`, () => {
    test('answers what was submitted before, and nothing after', async () => {
      const place = await temporaryDirectory();
      const log = await suite.channel({ place });
      const { engine } = log;
      let completed = 0;
      engine.appended$.subscribe({ complete: () => (completed += 1) });
      engine.accessChanges$.subscribe({ complete: () => (completed += 1) });
      const pending = log.verdicts(...messages(3));
      const closing = engine.close();
      expect(await pending).toEqual(['stored', 'stored', 'stored']);
      await closing;
      await engine.close();
      expect(completed).toBe(2);
      expect(await log.verdicts(message(), message())).toEqual(['unavailable@0', 'unavailable@0']);
      for (const call of [
        () => log.read(),
        () => log.state(),
        () => log.access(freshAccount()),
        () => log.admit(freshAccount()),
        () => log.engine.welcome(new Uint8Array(32)),
        () => log.engine.trimStoredBefore(0),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'store_error' });
      }
      expect((await engine.health()).status).toBe('failing');
    });

    suite.testRestart('loses nothing that was answered', async () => {
      const before = await suite.restartable();
      const pending = before.append(...messages(3));
      await before.engine.close();
      expect(await pending).toHaveLength(3);
      const after = await suite.engine({ place: before.place });
      expect((await after.read(before.channel, 0, { entries: 10, bytes: 10_000 })).run?.seqs).toHaveLength(3);
    });
  });
}
