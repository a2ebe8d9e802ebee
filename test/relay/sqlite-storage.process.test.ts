import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TestContext } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { compiled } from '../support/compiled.ts';
import { seqsOf, TestChannel } from './engine/test-channel.ts';
import { CHANNEL, fresh, message, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const run = promisify(execFile);

/** A file system of its own, as small as a test wants it; the test is skipped where none can be mounted. */
async function smallDisk(context: TestContext, megabytes: number): Promise<string> {
  const directory = join(await temporaryDirectory(), 'disk');
  await mkdir(directory);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', directory]);
  } catch (error) {
    const reason = `no file system can be mounted: ${error instanceof Error ? error.message : String(error)}`;
    console.log(`skipped: ${context.task.name}: ${reason}`);
    context.skip(reason);
  }
  onTestFinished(async () => {
    await run('umount', [directory]);
  });
  return directory;
}

async function open(dataDir: string): Promise<LogEngine> {
  const engine = await openSqliteEngine({ dataDir, clock: systemClock });
  onTestFinished(() => engine.close());
  return engine;
}

async function fill(directory: string): Promise<void> {
  for (let size = 1024 * 1024; size >= 1024; size /= 2) {
    for (let part = 0; part < 16; part += 1) {
      const { bavail, bsize } = await statfs(directory);
      if (bavail * bsize < size) break;
      await writeFile(join(directory, `filler-${size}-${part}`), fresh(Math.min(size, 1024 * 1024)));
    }
  }
}

/** Messages of a thousand bytes in one append: they go into the database, or into a file beside it. */
const APPENDS = [20, 150];

describe('SQLite: a disk that is full', () => {
  test.for(APPENDS)(
    'stores nothing more, is read, says so, and goes on when there is room again (%i)',
    async (count, context) => {
      const disk = await smallDisk(context, 8);
      const ballast = join(disk, 'ballast');
      await writeFile(ballast, new Uint8Array(3 * 1024 * 1024));
      const engine = await open(join(disk, 'data'));
      const log = new TestChannel(engine, CHANNEL);
      const acknowledged: number[] = [];
      let verdicts: string[] = [];
      while (!verdicts.includes('unavailable@0')) {
        const answers = await log.append(...messages(count, 0n, 1000));
        const accepted = answers.filter(({ kind }) => kind === 'accepted');
        expect([0, count]).toContain(accepted.length);
        acknowledged.push(...seqsOf(accepted));
        verdicts = answers.map((answer) =>
          answer.kind === 'refused' ? `${answer.reason}@${answer.currentEpoch}` : '',
        );
        expect(acknowledged.length).toBeLessThan(8000);
      }
      console.log(`full after ${acknowledged.length} entries`);
      expect(acknowledged.length).toBeGreaterThan(100);

      await fill(disk);
      expect(await log.verdicts(message())).toEqual(['unavailable@0']);
      expect(await engine.health()).toMatchObject({ status: 'failing' });
      expect(await log.state()).toMatchObject({ headSeq: acknowledged.length });
      expect(await readAll(log)).toEqual(acknowledged);

      await rm(ballast);
      expect(await engine.health()).toMatchObject({ status: 'ok' }); // without an append that would have shown it
      acknowledged.push(...(await log.store(...messages(count, 0n, 1000))));
      expect(acknowledged).toEqual(acknowledged.map((_, index) => index + 1));
      await engine.close();
      expect(await readAll(new TestChannel(await open(join(disk, 'data')), CHANNEL))).toEqual(acknowledged);
    },
  );

  test('is named when there is no room to start', async (context) => {
    const disk = await smallDisk(context, 1);
    await fill(disk);
    await expect(openSqliteEngine({ dataDir: disk, clock: systemClock })).rejects.toMatchObject({
      code: 'store_error',
    });
  });
});

describe('SQLite: a disk that is read-only', () => {
  test('is refused at the start, and serves again when it can be written', async (context) => {
    const disk = await smallDisk(context, 8);
    const before = new TestChannel(await open(disk), CHANNEL);
    await before.store(...messages(3));
    await before.engine.close();
    await run('mount', ['-o', 'remount,ro', disk]);
    await expect(openSqliteEngine({ dataDir: disk, clock: systemClock })).rejects.toMatchObject({
      code: 'store_error',
      message: 'runtime error: the data directory of the relay cannot be written',
    });
    await run('mount', ['-o', 'remount,rw', disk]);
    expect(await readAll(new TestChannel(await open(disk), CHANNEL))).toEqual([1, 2, 3]);
  });
});

describe('SQLite: a device that fails', () => {
  test.for(APPENDS)('ends the engine for good, and nothing acknowledged is lost (%i)', async (count, context) => {
    const dataDir = await temporaryDirectory();
    const node = [process.execPath, compiled('test/relay/programs/write-until-refused.ts'), dataDir, String(count)];
    const limited = await run('prlimit', ['--fsize=1500000', ...node]).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      console.log(`skipped: ${context.task.name}: there is no prlimit`);
      return context.skip('there is no prlimit');
    });
    const seen = JSON.parse(limited.stdout) as { acknowledged: number };
    console.log(seen);
    expect(seen).toMatchObject({
      reason: 'unavailable',
      failures: ['store_error', 'store_error'],
      status: 'failing',
      readFails: 'store_error',
    });
    expect(seen.acknowledged).toBeGreaterThan(100);
    const log = new TestChannel(await open(dataDir), CHANNEL);
    expect(await readAll(log)).toEqual(Array.from({ length: seen.acknowledged }, (_, index) => index + 1));
    expect(await log.verdicts(message())).toEqual(['stored']);
  });
});

async function readAll(log: TestChannel): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const { run: page } = await log.read(seqs.at(-1) ?? 0);
    if (page === undefined) return seqs;
    seqs.push(...page.seqs);
  }
}
