import { getCiphersuiteFromName } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultCryptoProvider as webCryptoProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import type { CipherSuiteName } from '../cipher-suite.ts';

/** Who computes. */
export type CryptoProviderName = 'node' | 'web';

export function defaultCryptoProvider(): CryptoProviderName {
  return 'web';
}

export async function createCipherSuite(
  suite: CipherSuiteName,
  provider: CryptoProviderName,
): Promise<CiphersuiteImpl> {
  void provider;
  return webCryptoProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite));
}
