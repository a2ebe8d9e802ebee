import { copyBytes } from '../base/bytes.ts';
import { checkIdentity } from './credential.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';

/** An agent's long-lived signature key (Ed25519 for suite 1) and the identity that it stands for. */
export interface AgentKeys {
  /** Identity bytes of the basic credential (RFC 9420 §5.3). */
  readonly identity: Uint8Array;
  readonly signaturePublicKey: Uint8Array;
  readonly signaturePrivateKey: Uint8Array;
}

/**
 * A fresh signature key for an identity of 1 to 1024 bytes. All key packages and groups of the agent use this one key.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an identity that is empty or too long.
 */
export async function createAgentKeys(engine: MlsEngine, identity: Uint8Array): Promise<AgentKeys> {
  const { crypto } = engineParts(engine);
  checkIdentity(identity);
  const { publicKey, signKey } = await crypto.signature.keygen();
  return { identity: copyBytes(identity), signaturePublicKey: publicKey, signaturePrivateKey: signKey };
}
