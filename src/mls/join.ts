import { emptyPskIndex, joinGroup as joinState } from 'ts-mls';
import { equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { wrapState } from './group-state.ts';
import { decodeKeyPackageMessage } from './key-package.ts';
import type { KeyPackageBundle } from './key-package.ts';
import { decodeKeyPackageSecret } from './key-package-secret.ts';
import { invalidWelcome, openWelcome } from './welcome.ts';

/** What {@link joinGroup} needs. */
export interface JoinGroupRequest {
  readonly welcome: Uint8Array;
  /** The key package that the Welcome is for, with its private part. */
  readonly bundle: KeyPackageBundle;
  /** The keys that the key package was made with. */
  readonly keys: AgentKeys;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

export async function joinGroup(engine: MlsEngine, request: JoinGroupRequest): Promise<Group> {
  const parts = engineParts(engine);
  const { bundle, keys } = request;
  const welcome = openWelcome(parts, request.welcome);
  if (!welcome.secrets.some(({ newMember }) => equalBytes(newMember, bundle.ref))) {
    throw invalidWelcome('it is for another key package');
  }
  const keyPackage = decodeKeyPackageMessage(bundle.keyPackage);
  const secret = { ...decodeKeyPackageSecret(bundle.secret), signaturePrivateKey: keys.signaturePrivateKey };
  try {
    return wrapState(
      await joinState(welcome, keyPackage, secret, emptyPskIndex, parts.crypto, undefined, undefined, parts.config),
    );
  } catch (cause) {
    if (cause instanceof MlsError) throw cause;
    throw invalidWelcome('it does not decrypt or verify', cause);
  }
}
