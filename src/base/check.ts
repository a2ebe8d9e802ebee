import { RuntimeError } from './errors.ts';

/**
 * `value`, if it is a whole number of at least `min` and at most `max`.
 *
 * @throws {@link RuntimeError} `invalid_argument`: ``Expected `capacity` to be an integer of at least 1, got -1.``
 */
export function checkInteger(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RuntimeError('invalid_argument', `Expected \`${name}\` to be an integer ${range}, got ${String(value)}.`);
}

/**
 * `value`, if it is a byte string.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkBytes(name: string, value: Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new RuntimeError('invalid_argument', `Expected \`${name}\` to be a Uint8Array, got ${typeof value}.`);
}
