import * as nodeCrypto from 'node:crypto';
import { getCiphersuiteFromName } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { DependencyError } from 'ts-mls/mlsError.js';
import { RuntimeError } from '../../base/errors.ts';
import type { CipherSuiteName } from '../cipher-suite.ts';

/** Who computes: our synchronous node:crypto, or the library's WebCrypto. */
export type CryptoProviderName = 'node' | 'web';

/** Packages that the library asks for when it computes a suite, in the one version that it works with. */
const OPTIONAL_PACKAGES: Readonly<Partial<Record<CipherSuiteName, string>>> = {
  MLS_128_DHKEMP256_AES128GCM_SHA256_P256: '@noble/curves@2.0.1',
  MLS_256_XWING_AES256GCM_SHA512_Ed25519: '@hpke/hybridkem-x-wing@0.7.0',
};

/** The faster provider that this runtime has: `node` needs the one-shot `crypto.hash` (Node 20.12). */
export function defaultCryptoProvider(): CryptoProviderName {
  return 'hash' in nodeCrypto ? 'node' : 'web';
}

let loadingNodeSuite: Promise<typeof import('./node-suite.ts')> | undefined;

/**
 * A cipher suite by the provider of that name.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a provider that does not exist; `runtime_error` if the suite needs
 * an optional package that is not installed, saying which.
 */
export async function createCipherSuite(
  suite: CipherSuiteName,
  provider: CryptoProviderName,
): Promise<CiphersuiteImpl> {
  switch (provider) {
    case 'node': {
      // Loaded when it is needed: where `crypto.hash` is missing, even importing it fails. Once, as loaders of modules may take
      // real time for each import, and a simulation has none.
      loadingNodeSuite ??= import('./node-suite.ts');
      const { acceleratedXWing, nodeSuites } = await loadingNodeSuite;
      return suite === 'MLS_256_XWING_AES256GCM_SHA512_Ed25519'
        ? acceleratedXWing(await createWebSuite(suite))
        : nodeSuites[suite];
    }
    case 'web':
      return await createWebSuite(suite);
    default:
      throw new RuntimeError(
        'invalid_argument',
        `Expected \`cryptoProvider\` to be node or web, got ${String(provider satisfies never)}.`,
      );
  }
}

async function createWebSuite(suite: CipherSuiteName): Promise<CiphersuiteImpl> {
  try {
    return await webProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite));
  } catch (cause) {
    const missing = OPTIONAL_PACKAGES[suite];
    if (!(cause instanceof DependencyError) || missing === undefined) throw cause;
    throw new RuntimeError(
      'runtime_error',
      `The cipher suite ${suite} needs a package that is not installed: npm install ${missing}`,
      { cause },
    );
  }
}
