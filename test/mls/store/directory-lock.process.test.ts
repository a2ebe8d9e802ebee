import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DirectoryLock } from '../../../src/mls/store/directory-lock.ts';
import { runProgram } from './program.ts';
import { temporaryDirectory } from './stores.ts';

const any = (): boolean => true;

test('a directory that another process holds is refused with its process id', async () => {
  const directory = temporaryDirectory();
  const owner = runProgram('hold-lock', directory);
  expect(await owner.line(any)).toBe('locked');
  expect(() => DirectoryLock.acquire(directory)).toThrow(
    expect.objectContaining({
      code: 'data_dir_in_use',
      message: expect.stringContaining(`in use by process ${owner.process.pid}.`) as string,
    }),
  );
  expect(await runProgram('hold-lock', directory).line(any)).toContain(`process ${owner.process.pid}.`);

  owner.process.stdin?.write('release\n');
  await owner.line((line) => line === 'released');
  DirectoryLock.acquire(directory).release();
});

test('a directory whose owner was killed is free, whatever stands in the file of the process id', async () => {
  const directory = temporaryDirectory();
  const owner = runProgram('hold-lock', directory);
  expect(await owner.line(any)).toBe('locked');
  await owner.kill();
  expect(readFileSync(join(directory, 'owner.pid'), 'utf8').trim()).toBe(`${owner.process.pid}`);
  const lock = DirectoryLock.acquire(directory);
  expect(readFileSync(join(directory, 'owner.pid'), 'utf8').trim()).toBe(`${process.pid}`);
  lock.release();
});

test('a refused attempt in the owning process does not open the door to another', async () => {
  const directory = temporaryDirectory();
  const lock = DirectoryLock.acquire(directory);
  expect(() => DirectoryLock.acquire(directory)).toThrow(/which is this one/);
  expect(await runProgram('hold-lock', directory).line(any)).toContain(`process ${process.pid}.`);
  lock.release();
  expect(await runProgram('hold-lock', directory).line(any)).toBe('locked');
});
