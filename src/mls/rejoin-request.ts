import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import type { KeyPackage } from 'ts-mls/keyPackage.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group, Member } from './group.ts';
import { stateOf } from './group-state.ts';
import { type KeyPackageBundle, openKeyPackage } from './key-package.ts';
import { groupMembers } from './members.ts';

/** A member's request for a fresh leaf, as the others read it. */
export interface RejoinRequestInfo {
  /** Who asks, with the leaf that it wants to be replaced. */
  readonly member: Member;
  readonly keyPackage: Uint8Array;
}

/** For SignWithLabel (RFC 9420 §5.1.2). */
const LABEL = 'SkytaleRejoin';

/**
 * A request of a member that must not use its leaf any more, because its state is an old copy: a key package, signed
 * together with the group and the epoch. No MLS message: its author has no key of the epoch that it could encrypt under.
 *
 * Good in one epoch only. The commit that grants it ends the epoch, so nobody can have a member replaced by showing an old
 * request again.
 *
 * @param epoch the group's epoch, as the log tells it
 */
export async function makeRejoinRequest(
  engine: MlsEngine,
  keys: AgentKeys,
  { keyPackage, ref }: KeyPackageBundle,
  { groupId, epoch }: Pick<Group, 'groupId' | 'epoch'>,
): Promise<Uint8Array> {
  const { signature } = engineParts(engine).crypto;
  const signed = await signWithLabel(keys.signaturePrivateKey, LABEL, signedContent(groupId, epoch, ref), signature);
  return new BinaryWriter().bytes(keyPackage).bytes(signed).finish();
}

/**
 * Reads a request for a fresh leaf. `granted` if the member has the leaf that it asks for already: it asked again before it
 * had heard. `outdated` if it was made in an earlier epoch, and is void. `undefined` if `bytes` are no request that a member of the
 * group has made, with the signature key that it is known by.
 *
 * @param epoch that the log says it was made in; default the group's
 */
export async function readRejoinRequest(
  engine: MlsEngine,
  group: Group,
  bytes: Uint8Array,
  nowMs: number,
  epoch: bigint = group.epoch,
): Promise<RejoinRequestInfo | 'granted' | 'outdated' | undefined> {
  try {
    const { keyPackage, signed } = decode(bytes);
    const opened = await openKeyPackage(engineParts(engine), keyPackage, nowMs);
    const { identity, signatureKey, ref } = opened.info;
    const member = groupMembers(group).find((candidate) => equalBytes(candidate.identity, identity));
    if (member === undefined || !equalBytes(member.signatureKey, signatureKey)) return undefined;
    const { signature } = engineParts(engine).crypto;
    const content = signedContent(group.groupId, epoch, ref);
    const isSigned = await verifyWithLabel(signatureKey, LABEL, content, signed, signature);
    if (!isSigned) return undefined;
    if (epoch !== group.epoch) return 'outdated';
    return hasLeafOf(group, member, opened.keyPackage) ? 'granted' : { member, keyPackage };
  } catch (error) {
    // Anybody may put anything into the log. What does not read as a request is none.
    if (error instanceof MlsError) return undefined;
    throw error;
  }
}

/** Whether the member's leaf is the one of the key package. */
function hasLeafOf(group: Group, { leaf }: Member, keyPackage: KeyPackage): boolean {
  const node = stateOf(group).ratchetTree[2 * leaf];
  return node?.nodeType === 'leaf' && equalBytes(node.leaf.hpkePublicKey, keyPackage.leafNode.hpkePublicKey);
}

function signedContent(groupId: Uint8Array, epoch: bigint, ref: Uint8Array): Uint8Array {
  return new BinaryWriter().bytes(groupId).uint64(epoch).bytes(ref).finish();
}

function decode(bytes: Uint8Array): { readonly keyPackage: Uint8Array; readonly signed: Uint8Array } {
  try {
    const reader = new BinaryReader(bytes);
    const request = { keyPackage: copyBytes(reader.bytes()), signed: copyBytes(reader.bytes()) };
    if (reader.pos !== reader.len) throw new RangeError('bytes left over');
    return request;
  } catch (cause) {
    throw new MlsError('mls_error', 'The bytes are not a request for a fresh leaf.', { cause });
  }
}
