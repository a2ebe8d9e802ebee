import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { AccountId } from '../../src/relay/access/principal.ts';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { PAGE, TestChannel } from './engine/test-channel.ts';
import { CHANNEL, commit, message, OTHER_CHANNEL } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const FORMAT_1 = new URL('fixtures/log-format-1.sql', import.meta.url);
const text = new TextDecoder();

async function directoryOfFormat1(): Promise<string> {
  const directory = await temporaryDirectory();
  const database = new Libsql(join(directory, 'relay.db'));
  database.exec(await readFile(FORMAT_1, 'utf8'));
  database.close();
  return directory;
}

async function open(dataDir: string): Promise<LogEngine> {
  const engine = await openSqliteEngine({ dataDir, clock: systemClock });
  onTestFinished(() => engine.close());
  return engine;
}

async function expectContent(engine: LogEngine): Promise<void> {
  const log = new TestChannel(engine, CHANNEL);
  const page = await log.read();
  expect(page).toMatchObject({ resumesAtSeq: 2, headSeq: 4 });
  const entries = await log.entries();
  expect(entries.map(({ seq, prevSeq, kind, epoch }) => [seq, prevSeq, kind, epoch])).toEqual([
    [2, 1, 'message', 0n],
    [3, 2, 'commit', 0n],
    [4, 3, 'message', 1n],
  ]);
  expect(entries.map(({ payload }) => text.decode(payload))).toEqual(['message 2', 'commit 3', 'message 4']);
  expect(await log.state()).toEqual({ group: new Uint8Array(16).fill(7), headSeq: 4, epoch: 1n });
  expect(await engine.commitSeq(CHANNEL, 0n)).toBe(3);
  expect((await engine.read(OTHER_CHANNEL, 0, PAGE)).run?.seqs).toEqual([1]);
  const welcome = await engine.welcome(new Uint8Array(16).fill(91));
  expect(welcome).toMatchObject({ channel: CHANNEL, commitSeq: 3, payload: new TextEncoder().encode('welcome') });
}

describe('SQLite: a log of format 1', () => {
  test('is brought up to date with all that it holds, and goes on', async () => {
    const directory = await directoryOfFormat1();
    const engine = await open(directory);
    await expectContent(engine);
    const log = new TestChannel(engine, CHANNEL);
    const known = { ...message(), messageId: new Uint8Array(16).fill(2) };
    expect(await log.append(known, commit(1n))).toEqual([
      { kind: 'accepted', seq: 2, duplicate: true },
      { kind: 'accepted', seq: 5, duplicate: false },
    ]);
    const alice = 'alice' as AccountId;
    expect(await log.access(alice)).toBe('unclaimed');
    expect(await log.as(alice, 1).verdicts(message(2n), message(2n))).toEqual(['stored', 'quota-exceeded@2']);
    await engine.close();

    // `user_version`, from the header of the file: a connection of this thread would keep its lock.
    expect((await readFile(join(directory, 'relay.db'))).readUInt32BE(60)).toBe(4);
    const again = new TestChannel(await open(directory), CHANNEL);
    expect(await again.access(alice)).toBe('member');
    expect((await again.read()).run?.seqs).toEqual([2, 3, 4, 5, 6]);
  });

  test('is brought up to date also after it was stopped in the middle of that', async () => {
    // The marks are written first, then the tables change, all at once.
    const directory = await directoryOfFormat1();
    const first = await open(directory);
    await first.close();
    const marks = await readFile(join(directory, 'relay.marks'));
    const halfway = await directoryOfFormat1();
    await writeFile(join(halfway, 'relay.marks'), marks);
    await expectContent(await open(halfway));
  });
});
