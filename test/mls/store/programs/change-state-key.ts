/**
 * Changes the state key of a data directory to and fro, for ever: key `n` is 32 bytes of `n mod 256`. Begins at the number
 * it is told and prints each number when its change is acknowledged.
 *
 * A third argument names a moment, at which it says so and stands still: `before-rename`, `after-rename`.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { changeStateKey } from '../../../../src/mls/store/index.ts';

const [directory = '', start = '0', moment] = process.argv.slice(2);

const standStill = (): Promise<never> => {
  console.log('standing');
  setInterval(() => undefined, 1000);
  return new Promise<never>(() => {});
};
const { rename } = fs;
fs.rename = async (from, to): Promise<void> => {
  if (moment === 'before-rename') return standStill();
  await rename(from, to);
  if (moment === 'after-rename') await standStill();
};
syncBuiltinESMExports();

const keyOf = (count: number): Uint8Array => new Uint8Array(32).fill(count);
console.log('ready');
for (let count = Number(start); ; count += 1) {
  await changeStateKey(directory, { from: keyOf(count), to: keyOf(count + 1) });
  console.log(`changed ${count + 1}`);
}
