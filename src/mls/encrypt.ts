import { createApplicationMessage } from 'ts-mls';
import { checkBytes } from '../base/check.ts';
import { MlsError } from '../base/errors.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import { checkNotErased } from './erase.ts';
import type { Group } from './group.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { paddingConfig } from './padding.ts';
import { encodeApplicationMessage } from './private-message-encoding.ts';

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
  const ratchet = state.secretTree[2 * group.ownLeaf]?.application.secret;
  if (ratchet === undefined) throw new MlsError('mls_error', 'The group has no keys for this member.');
  checkNotErased(ratchet);
  const { newState, privateMessage } = await createApplicationMessage(
    {
      ...state,
      // The library refuses to send while proposals wait. Only wishes to leave do (RFC 9420 §12.4 would have us commit
      // first): who asked to go may read until it is gone, and the others need not be silent meanwhile.
      unappliedProposals: {},
      clientConfig: { ...state.clientConfig, paddingConfig: paddingConfig(padding, plaintext.length) },
    },
    plaintext,
    crypto,
    authenticatedData,
  );
  const ciphertext = encodeApplicationMessage(privateMessage);
  return { group: wrapState({ ...state, secretTree: newState.secretTree }), ciphertext };
}
