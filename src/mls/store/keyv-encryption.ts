import { checkFormat } from './catalog.ts';
import { EncryptedRecords } from './encrypted-records.ts';
import { KeyTable } from './key-table.ts';
import type { KeyvRecords } from './keyv-records.ts';
import { plainRecords } from './records.ts';
import type { Records } from './records.ts';
import { checkStateKey } from './state-key.ts';
import type { StateKey } from './state-key.ts';
import { stateKeyWrong } from './store-errors.ts';

const KEY_TABLE = 'key-table';

/**
 * The records of a Keyv store: through a key table that lies beside them if the store is encrypted, or new and to be
 * encrypted; else as they are.
 *
 * @throws {@link RuntimeError} `state_key_wrong` if the key is not that of the store, with the store as it was
 */
export async function keyvRecordsUnder(stateKey: StateKey | undefined, records: KeyvRecords): Promise<Records> {
  if (stateKey !== undefined) checkStateKey('stateKey', stateKey);
  const hasFormat = await checkFormat(records);
  const hasTable = (await records.get(KEY_TABLE)) !== undefined;
  if (!hasTable && stateKey === undefined) return plainRecords(records);
  if (!hasTable && hasFormat) throw stateKeyWrong('a state key was given, and the store is not encrypted');
  const storage = {
    name: KEY_TABLE,
    read: () => records.get(KEY_TABLE),
    write: (bytes: Uint8Array) => records.set(KEY_TABLE, bytes),
  };
  return new EncryptedRecords(records, await KeyTable.open(storage, stateKey, !hasFormat));
}
