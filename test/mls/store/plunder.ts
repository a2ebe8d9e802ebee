import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Keyv } from 'keyv';
import { EncryptedRecords } from '../../../src/mls/store/encrypted-records.ts';
import type { StateKey } from '../../../src/mls/store/index.ts';
import { KeyFile } from '../../../src/mls/store/key-file.ts';
import { KeyTable } from '../../../src/mls/store/key-table.ts';
import { KeyvRecords } from '../../../src/mls/store/keyv-records.ts';
import { MapStore, NAMESPACE, temporaryDirectory } from './stores.ts';

/**
 * A copy of a data directory that may be open, without the files of its lock: a process that opens and closes that file
 * loses the lock.
 */
export function copyOf(directory: string): string {
  const copy = join(temporaryDirectory(), 'copy');
  cpSync(directory, copy, { recursive: true, filter: (path) => !basename(path).startsWith('owner.') });
  return copy;
}

/**
 * All that somebody can read who has a copy of a data directory and its state key: the files as they are, and every
 * record in any corner of them (rows, write-ahead log, unused parts of pages) whose key is in the copy as well.
 */
export async function plunder(copy: string, key?: StateKey): Promise<readonly Buffer[]> {
  const files = readdirSync(copy).map((file) => readFileSync(join(copy, file)));
  const table = await KeyTable.open(new KeyFile(join(copy, 'agent.keys'), 'agent.keys'), key, false);
  const text = Buffer.concat(files).toString('latin1');
  const names = new Set(text.match(/(?:catalog|keys|key-package\.[0-9a-f]{64}|channel\.\d+\.(?:head|delta\.\d+))/g));
  // Every record begins with "SKYE" and its version, and stands at the start of its base64.
  const found = new Set(text.match(/U0tZRQE[A-Za-z0-9+/]+={0,2}/g));
  const loot = [...files];
  for (const value of found) {
    for (const name of names) {
      const store = new MapStore();
      store.map.set(`${NAMESPACE}:${name}`, JSON.stringify({ value }));
      const records = new EncryptedRecords(new KeyvRecords(new Keyv({ store, namespace: NAMESPACE })), table);
      // Under another name, or with a page boundary in its middle, it does not decrypt.
      const record = await records.get(name).catch(() => undefined);
      if (record !== undefined) loot.push(Buffer.from(record.bytes));
    }
  }
  return loot;
}

/** Whether `secret` is in the loot: as it is, in hexadecimal, or in either within base64. */
export function holds(loot: readonly Buffer[], secret: Uint8Array): boolean {
  const forms = [Buffer.from(secret), Buffer.from(Buffer.from(secret).toString('hex'))];
  // In base64 the same bytes look in three ways, by their distance from the start; the edges depend on the neighbours.
  const needles = forms.flatMap((form) =>
    [0, 1, 2].map((skip) => {
      const whole = form.subarray(skip, skip + 3 * Math.floor((form.length - skip) / 3));
      return whole.toString('base64');
    }),
  );
  if (needles.some((needle) => needle.length < 8)) throw new RangeError('too short to be searched for');
  return loot.some((part) => [...forms, ...needles].some((needle) => part.includes(needle)));
}
