import { RuntimeError } from '../base/errors.ts';
import type { ClientConfig } from 'ts-mls/clientConfig.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultKeyPackageEqualityConfig } from 'ts-mls/keyPackageEqualityConfig.js';
import { DEFAULT_CIPHER_SUITE, isCipherSuiteName } from './cipher-suite.ts';
import type { CipherSuiteName } from './cipher-suite.ts';
import { authenticationService } from './credential.ts';
import { createCipherSuite, defaultCryptoProvider } from './crypto/index.ts';
import type { CryptoProviderName } from './crypto/index.ts';
import { checkExtensionTypes } from './group-extensions.ts';
import type { AcceptMember } from './member-policy.ts';
import { checkPadding, paddingConfig } from './padding.ts';
import type { Padding } from './padding.ts';

/** Options of {@link createMlsEngine}. */
export interface MlsEngineOptions {
  /**
   * Cipher suite of key packages and groups; those of another suite are refused. Default: suite 1, X25519 and Ed25519.
   *
   * `MLS_128_DHKEMP256_AES128GCM_SHA256_P256` is suite 2, on the NIST curve. `MLS_256_XWING_AES256GCM_SHA512_Ed25519`
   * keeps messages secret from an eavesdropper who has a quantum computer one day; it needs the package
   * `@hpke/hybridkem-x-wing`.
   */
  readonly suite?: CipherSuiteName;
  /** How much of a message's size an observer learns. Members need not agree on it. Default: `buckets`. */
  readonly padding?: Padding;
  /** Asked about each member that is new to us. Default: whoever a member adds is accepted. */
  readonly acceptMember?: AcceptMember;
  /**
   * Types of group extensions that the application understands, 6 to 65,535. Key packages say so; a group can have an
   * extension only if all of its members do. Default none.
   */
  readonly extensionTypes?: readonly number[];
  /**
   * Who computes: `node` is synchronous node:crypto and several times faster, `web` is the library's own WebCrypto.
   * They understand each other. Default: `node` where the runtime has `crypto.hash`, else `web`.
   */
  readonly cryptoProvider?: CryptoProviderName;
}

declare const engine: unique symbol;

/** What every step needs beside its input: cipher suite and policy. Opaque, immutable, may be shared by all groups. */
export interface MlsEngine {
  readonly suite: CipherSuiteName;
  /** @internal makes the type nominal */
  readonly [engine]: true;
}

/** What is behind an {@link MlsEngine}, for the files of this folder. */
export interface EngineParts {
  readonly suite: CipherSuiteName;
  readonly crypto: CiphersuiteImpl;
  readonly config: ClientConfig;
  readonly padding: Padding;
  readonly acceptMember: AcceptMember | undefined;
  readonly extensionTypes: readonly number[];
}

const partsOf = new WeakMap<MlsEngine, EngineParts>();

/** How long keys are kept for messages that arrive late, and how far a sender may be ahead. */
const KEY_RETENTION = {
  // Never 0: the library takes that for "all epochs, for ever".
  retainKeysForEpochs: 4,
  retainKeysForGenerations: 32,
  maximumForwardRatchetSteps: 1000,
};

/**
 * Makes the context that all steps run in.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an unknown suite or provider, or a padding or extension type out
 * of range; `runtime_error` if the suite needs an optional package that is not installed, saying which.
 */
export async function createMlsEngine(options: MlsEngineOptions = {}): Promise<MlsEngine> {
  const suite = options.suite ?? DEFAULT_CIPHER_SUITE;
  if (!isCipherSuiteName(suite)) {
    throw new RuntimeError(
      'invalid_argument',
      `Expected \`suite\` to be a supported cipher suite, got ${String(suite)}.`,
    );
  }
  const padding = checkPadding(options.padding ?? 'buckets');
  const extensionTypes = checkExtensionTypes(options.extensionTypes ?? []);
  const { acceptMember } = options;
  if (acceptMember !== undefined && typeof acceptMember !== 'function') {
    throw new RuntimeError(
      'invalid_argument',
      `Expected \`acceptMember\` to be a function, got ${typeof acceptMember}.`,
    );
  }
  const crypto = await createCipherSuite(suite, options.cryptoProvider ?? defaultCryptoProvider());
  const created = Object.freeze({ suite }) as MlsEngine;
  partsOf.set(created, {
    suite,
    crypto,
    config: {
      keyRetentionConfig: KEY_RETENTION,
      // Lifetimes are checked here, against a time that is given: the library asks the machine's clock.
      lifetimeConfig: { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false },
      keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
      // Each step that encrypts sets its own, which follows from the size of what it encrypts.
      paddingConfig: paddingConfig(padding, 0),
      authService: authenticationService,
    },
    padding,
    acceptMember,
    extensionTypes,
  });
  return created;
}

/** The parts of an engine. For the files of this folder only. */
export function engineParts(engine: MlsEngine): EngineParts {
  const parts = partsOf.get(engine);
  if (parts !== undefined) return parts;
  throw new RuntimeError('invalid_argument', 'Expected `engine` to be made by createMlsEngine().');
}
