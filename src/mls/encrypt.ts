import { checkBytes } from '../base/check.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { paddingConfig } from './padding.ts';
import { protectApplication } from './protect-application.ts';

/** A message for the group, and the group after sending it. */
export interface Encrypted {
  /** Must be durable before the ciphertext leaves: an older state would use the same key again. */
  readonly group: Group;
  /** An MLSMessage with a PrivateMessage (RFC 9420 §6.3). */
  readonly ciphertext: Uint8Array;
}

/**
 * Encrypts and signs a message for all members of the epoch. `authenticatedData` is not encrypted, but members see
 * that nobody has changed it.
 *
 * @throws {@link MlsError} `removed_from_group` if we are no member any more.
 */
export async function encryptMessage(
  engine: MlsEngine,
  group: Group,
  plaintext: Uint8Array,
  authenticatedData: Uint8Array,
): Promise<Encrypted> {
  const { crypto, padding } = engineParts(engine);
  const state = activeStateOf(group);
  checkBytes('plaintext', plaintext);
  checkBytes('authenticatedData', authenticatedData);
  // Proposals may wait meanwhile, although RFC 9420 §12.4 would have us commit first: they are only wishes to leave, and
  // who asked to go may read until it is gone.
  const { padUntilLength } = paddingConfig(padding, plaintext.length);
  const { secretTree, message } = await protectApplication(crypto, state, plaintext, authenticatedData, padUntilLength);
  return { group: wrapState({ ...state, secretTree }), ciphertext: message };
}
