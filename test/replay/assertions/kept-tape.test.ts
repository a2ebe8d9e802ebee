import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSystem } from '../../../src/index.ts';
import { keptTape, record, type TapeSink } from '../../../src/replay/index.ts';

let directory: string;
let file: string;
let lives: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skytale-tapes-'));
  file = join(directory, 'tapes', 'life.tape');
  lives = 0;
  vi.stubEnv('CI', undefined);
  vi.stubEnv('SKYTALE_TAPES', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** The shortest life there is. */
async function life(sink: TapeSink): Promise<void> {
  lives += 1;
  const system = createSystem();
  const recording = await record(system, sink);
  await system.shutdown();
  await recording.done;
}

it('is recorded once, and read from then on', async () => {
  const first = await keptTape(file, life);
  const second = await keptTape(file, life);
  expect(second).toEqual(first);
  expect(lives).toBe(1);
  expect(await readdir(join(directory, 'tapes'))).toEqual(['life.tape']);
});

it('is recorded anew for an update', async () => {
  await keptTape(file, life);
  vi.stubEnv('SKYTALE_TAPES', 'update');
  await keptTape(file, life);
  await keptTape(file, life, { mode: 'missing' });
  expect(lives).toBe(2);
});

it.each([
  ['CI', 'true'],
  ['SKYTALE_TAPES', 'lockdown'],
])('is never recorded where %s is %s: a missing one is an error that says what to do', async (name, value) => {
  vi.stubEnv(name, value);
  await expect(keptTape(file, life)).rejects.toThrow('SKYTALE_TAPES=update');
  expect(lives).toBe(0);
  vi.stubEnv('CI', 'false');
  await keptTape(file, life, { mode: 'missing' });
  await keptTape(file, life);
  expect(lives).toBe(1);
});

it('stays as it was when a life fails, and leaves nothing half written', async () => {
  await keptTape(file, life);
  const before = await readFile(file, 'utf8');
  const fails = (): Promise<void> => Promise.reject(new Error('a life that fails'));
  await expect(keptTape(file, fails, { mode: 'update' })).rejects.toThrow('a life that fails');
  await expect(keptTape(file, () => Promise.resolve(), { mode: 'update' })).rejects.toMatchObject({
    code: 'tape_damaged',
  });
  expect(await readFile(file, 'utf8')).toBe(before);
  expect(await readdir(join(directory, 'tapes'))).toEqual(['life.tape']);
});

it('is not replaced because it is damaged, and no mode is made up', async () => {
  file = join(directory, 'life.tape');
  await writeFile(file, 'no tape\n');
  await expect(keptTape(file, life)).rejects.toMatchObject({ code: 'tape_damaged' });
  vi.stubEnv('SKYTALE_TAPES', 'sometimes');
  await expect(keptTape(file, life)).rejects.toThrow('sometimes');
});
