/**
 * Opens a data directory and saves record after record of the channel's life, going on from what it finds. Prints each
 * number when its save is acknowledged.
 *
 * A third argument names a moment of folding, at which it says so and stands still: `before-head`, `after-head`,
 * `amid-deletions`.
 */
import { openDataDirectory } from '../../../../src/mls/store/index.ts';
import { loadKeyvSqlite } from '../../../../src/mls/store/keyv-sqlite.ts';
import { channel, emptyRecord, fakeCodec, nextRecord } from '../fake-groups.ts';
import { recordNumber } from '../record-number.ts';

const [directory = '', foldAfterDeltas = '100', moment] = process.argv.slice(2);

let armed = false;
const standStill = (): Promise<never> => {
  console.log('standing');
  setInterval(() => undefined, 1000);
  return new Promise<never>(() => {});
};

class Halting extends loadKeyvSqlite() {
  override async set(key: string, value: unknown): Promise<unknown> {
    const isHead = armed && key.endsWith('.head');
    if (isHead && moment === 'before-head') return standStill();
    const result: unknown = await super.set(key, value);
    return isHead && moment === 'after-head' ? standStill() : result;
  }

  override async deleteMany(keys: string[]): Promise<boolean> {
    if (!armed || moment !== 'amid-deletions') return (await super.deleteMany?.(keys)) ?? false;
    await super.deleteMany?.(keys.slice(0, keys.length >> 1));
    return standStill();
  }
}

const { store } = await openDataDirectory(directory, {
  codec: fakeCodec,
  foldAfterDeltas: Number(foldAfterDeltas),
  loadSqlite: () => Halting,
});
let record = (await store.loadChannel(channel)) ?? emptyRecord();
let count = recordNumber(record);
console.log(`found ${count}`);
for (;;) {
  // Far enough in for deltas to be there.
  armed = count > Number(foldAfterDeltas) + 3;
  count += 1;
  record = nextRecord(record, count);
  await store.saveChannel(record);
  console.log(`saved ${count}`);
}
