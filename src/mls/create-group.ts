import { createGroup as createState } from 'ts-mls';
import { copyBytes } from '../base/bytes.ts';
import { checkBytes } from '../base/check.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { stateOf, wrapState } from './group-state.ts';
import { generateLeaf } from './key-package.ts';

/** What {@link createGroup} needs. */
export interface CreateGroupRequest {
  /** See {@link newGroupId}. */
  readonly groupId: Uint8Array;
  readonly keys: AgentKeys;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** A new group in epoch 0 with one member, the owner of `keys`. */
export async function createGroup(engine: MlsEngine, { groupId, keys, nowMs }: CreateGroupRequest): Promise<Group> {
  const parts = engineParts(engine);
  checkBytes('groupId', groupId);
  const { publicPackage, privatePackage } = await generateLeaf(parts, keys, nowMs);
  return wrapState(
    await createState(copyBytes(groupId), publicPackage, privatePackage, [], parts.crypto, parts.config),
  );
}

/**
 * A value that all members of an epoch have in common and that no two epochs share (RFC 9420 §8.7). Members that
 * compare it notice a fork. Not secret.
 */
export function epochAuthenticator(group: Group): Uint8Array {
  return copyBytes(stateOf(group).keySchedule.epochAuthenticator);
}
