import { RuntimeError } from '../base/errors.ts';

/**
 * Refuses a secret of zeros, which is what an erased one looks like. Whoever encrypted with it would encrypt under a
 * key that everybody can compute.
 *
 * @throws {@link RuntimeError} `runtime_error`
 */
export function checkNotErased(secret: Uint8Array): void {
  if (secret.some((byte) => byte !== 0)) return;
  throw new RuntimeError('runtime_error', 'The secrets of this group value were erased while it was still in use.');
}
