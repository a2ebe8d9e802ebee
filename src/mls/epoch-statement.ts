import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group, Member } from './group.ts';
import { stateOf } from './group-state.ts';
import { groupMembers } from './members.ts';

/** For SignWithLabel (RFC 9420 §5.1.2). */
const LABEL = 'SkytaleEpoch';

/** What a member says about its epoch. */
export interface EpochStatement {
  readonly member: Member;
  /** Stands for the state that the member is in; the same for all that are in the same one. */
  readonly digest: Uint8Array;
}

/**
 * A member's signed word on the state that it is in: a hash of the epoch authenticator (RFC 9420 §8.7), its leaf and the epoch. No MLS
 * message: members that were led into different states of one epoch cannot read each other's. Tells others nothing but
 * which leaf has spoken.
 */
export async function makeEpochStatement(engine: MlsEngine, keys: AgentKeys, group: Group): Promise<Uint8Array> {
  const { signature } = engineParts(engine).crypto;
  const digest = await epochDigest(engine, group);
  const content = signedContent(group.groupId, group.epoch, group.ownLeaf, digest);
  const signed = await signWithLabel(keys.signaturePrivateKey, LABEL, content, signature);
  return new BinaryWriter().uint32(group.ownLeaf).bytes(digest).bytes(signed).finish();
}

/**
 * Reads a statement about `epoch`. `undefined` if `bytes` are none that a member of the group has signed with the key that it is
 * known by.
 */
export async function readEpochStatement(
  engine: MlsEngine,
  group: Group,
  bytes: Uint8Array,
  epoch: bigint,
): Promise<EpochStatement | undefined> {
  try {
    const { leaf, digest, signed } = decode(bytes);
    const member = groupMembers(group).find((candidate) => candidate.leaf === leaf);
    if (member === undefined) return undefined;
    const { signature } = engineParts(engine).crypto;
    const content = signedContent(group.groupId, epoch, leaf, digest);
    const isSigned = await verifyWithLabel(member.signatureKey, LABEL, content, signed, signature);
    return isSigned ? { member, digest } : undefined;
  } catch (error) {
    // Anybody may put anything into the log. What does not read as a statement is none.
    if (error instanceof MlsError) return undefined;
    throw error;
  }
}

/** Whether a statement is about the state that the group is in. */
export async function agreesWith(engine: MlsEngine, group: Group, { digest }: EpochStatement): Promise<boolean> {
  return equalBytes(digest, await epochDigest(engine, group));
}

function epochDigest(engine: MlsEngine, group: Group): Promise<Uint8Array> {
  const { epochAuthenticator } = stateOf(group).keySchedule;
  const input = new BinaryWriter().string(LABEL).bytes(group.groupId).bytes(epochAuthenticator).finish();
  return engineParts(engine).crypto.hash.digest(input);
}

function signedContent(groupId: Uint8Array, epoch: bigint, leaf: number, digest: Uint8Array): Uint8Array {
  return new BinaryWriter().bytes(groupId).uint64(epoch).uint32(leaf).bytes(digest).finish();
}

interface Encoded {
  readonly leaf: number;
  readonly digest: Uint8Array;
  readonly signed: Uint8Array;
}

function decode(bytes: Uint8Array): Encoded {
  try {
    const reader = new BinaryReader(bytes);
    const leaf = reader.uint32();
    const statement = { leaf, digest: copyBytes(reader.bytes()), signed: copyBytes(reader.bytes()) };
    if (reader.pos !== reader.len) throw new RangeError('bytes left over');
    return statement;
  } catch (cause) {
    throw new MlsError('mls_error', 'The bytes are not a statement about an epoch.', { cause });
  }
}
