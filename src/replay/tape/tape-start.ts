import type { Tape } from './tape.ts';
import { tapeDamaged } from './tape-errors.ts';
import { fromTapeValue } from './tape-value.ts';

/**
 * How the channel was when the recording began, as the recorder of the tape's mode has written it.
 *
 * @throws {@link RuntimeError} `tape_damaged` if it is not there
 */
export function startOf({ records }: Tape): unknown {
  const [first] = records;
  if (first?.kind !== 'start') throw tapeDamaged('does not say how the channel was when the recording began');
  return fromTapeValue(first.value);
}
