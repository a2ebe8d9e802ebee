import * as nodeCrypto from 'node:crypto';
import { getCiphersuiteFromName } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { RuntimeError } from '../../base/errors.ts';
import type { CipherSuiteName } from '../cipher-suite.ts';

/** Who computes: our synchronous node:crypto, or the library's WebCrypto. */
export type CryptoProviderName = 'node' | 'web';

/** The faster provider that this runtime has: `node` needs the one-shot `crypto.hash` (Node 20.12). */
export function defaultCryptoProvider(): CryptoProviderName {
  return 'hash' in nodeCrypto ? 'node' : 'web';
}

/**
 * A cipher suite by the provider of that name.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a provider that does not exist.
 */
export async function createCipherSuite(
  suite: CipherSuiteName,
  provider: CryptoProviderName,
): Promise<CiphersuiteImpl> {
  switch (provider) {
    case 'node': {
      // Loaded when it is needed: where `crypto.hash` is missing, even importing it fails.
      const { nodeSuite } = await import('./node-suite.ts');
      return nodeSuite;
    }
    case 'web':
      return await webProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite));
    default:
      throw new RuntimeError(
        'invalid_argument',
        `Expected \`cryptoProvider\` to be node or web, got ${String(provider satisfies never)}.`,
      );
  }
}
