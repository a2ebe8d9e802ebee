import { RuntimeError, SkytaleError } from '../../base/errors.ts';

/** The store could not do what it was asked. Names the driver's code; its text stays in `cause`, it may quote values. */
export function storeError(what: string, cause: unknown): RuntimeError {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  const reason = typeof code === 'string' ? ` (${code})` : '';
  return new RuntimeError('store_error', `could not ${what}${reason}; see the cause`, { cause });
}

/** What the store holds is not what was written. `record` is the record's key in the store. */
export function storeDamaged(record: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError(
    'store_damaged',
    `record ${record} of the store ${why}. Nothing was guessed or changed: restore the store from a copy, ` +
      `or delete what the record belongs to`,
    { cause },
  );
}

/** A newer version of the package wrote the store. */
export function storeTooNew(record: string, found: number, known: number): RuntimeError {
  return new RuntimeError(
    'data_dir_version',
    `record ${record} of the store has format ${found}, and this version reads up to ${known}. ` +
      `Nothing was changed: open it with the version that wrote it, or a newer one`,
  );
}

/** The key that the state is encrypted under is not there, or not the right one. */
export function stateKeyWrong(detail: string, cause?: unknown): RuntimeError {
  return new RuntimeError('state_key_wrong', `${detail}. Nothing was changed`, { cause });
}

/** Runs `read` on a record that passed its checksum; whatever it throws, save for a newer format, is damage to `record`. */
export function readingRecord<T>(record: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SkytaleError && error.code === 'data_dir_version') throw error;
    throw storeDamaged(record, 'is intact and cannot be decoded', error);
  }
}
