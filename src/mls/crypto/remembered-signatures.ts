import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { equalBytes } from '../../base/bytes.ts';

interface Signed {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
}

/**
 * The suite with a memory of the signatures that it found valid, for one step. A commit that adds members checks each key
 * package itself, to say what is wrong with it, and has the library check it again; half of the time of a large commit
 * went there. What is remembered is the whole question, and only the answer yes.
 */
export function rememberingSignatures(suite: CiphersuiteImpl): CiphersuiteImpl {
  const valid = new WeakMap<Uint8Array, Signed>();
  return {
    ...suite,
    signature: {
      ...suite.signature,
      async verify(publicKey, message, signature) {
        const known = valid.get(signature);
        if (known !== undefined && equalBytes(known.publicKey, publicKey) && equalBytes(known.message, message)) {
          return true;
        }
        const isValid = await suite.signature.verify(publicKey, message, signature);
        if (isValid) valid.set(signature, { publicKey, message });
        return isValid;
      },
    },
  };
}
