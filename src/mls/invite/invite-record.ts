import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { type ChannelName, parseChannelName } from '../../base/channel-name.ts';
import { copyBytes } from '../../base/bytes.ts';
import { MlsError } from '../../base/errors.ts';
import type { AgentKeys } from '../agent-keys.ts';
import { engineParts } from '../engine.ts';
import type { MlsEngine } from '../engine.ts';
import { TlsReader } from '../tls-reader.ts';
import { TlsWriter, vectorBytes } from '../tls-writer.ts';

/** Who may add those that come with an invite: whoever made it, or any member. */
export type AdmitPolicy = 'issuer' | 'members';

/** What an inviting member says about an invite, under its signature key. */
export interface InviteTerms {
  readonly channel: ChannelName;
  readonly groupId: Uint8Array;
  /** 16 bytes. */
  readonly inviteId: Uint8Array;
  /** The public half of the key that the token's secret leads to. */
  readonly publicKey: Uint8Array;
  readonly approval: 'automatic' | 'manual';
  readonly admit: AdmitPolicy;
  readonly maxUses: number;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
  /** Identity of the member that invites. */
  readonly issuer: Uint8Array;
}

/** An invite's terms as they were signed. Whether they were is another question: {@link isSignedBy}. */
export interface InviteRecord {
  readonly terms: InviteTerms;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** For SignWithLabel (RFC 9420 §5.1.2): what is signed as an invite is nothing else. */
const LABEL = 'SkytaleInvite';
const VERSION = 1;
const ID_BYTES = 16;
const APPROVALS = { automatic: 1, manual: 2 } as const;
const POLICIES = { issuer: 1, members: 2 } as const;

/** The record of an invite, signed with the key that the agent has in the group. */
export async function signInvite(engine: MlsEngine, keys: AgentKeys, terms: InviteTerms): Promise<Uint8Array> {
  const content = encodeTerms(terms);
  const { signature } = engineParts(engine).crypto;
  const signed = await signWithLabel(keys.signaturePrivateKey, LABEL, content, signature);
  return new TlsWriter(vectorBytes(content.length) + vectorBytes(signed.length))
    .vector(content)
    .vector(signed)
    .finish();
}

/** Whether the record was signed with the key whose public half this is. */
export async function isSignedBy(engine: MlsEngine, record: InviteRecord, signatureKey: Uint8Array): Promise<boolean> {
  try {
    const { signature } = engineParts(engine).crypto;
    return await verifyWithLabel(signatureKey, LABEL, record.signed, record.signature, signature);
  } catch {
    return false; // what a provider cannot even read as a signature is none
  }
}

/**
 * Reads a record, unchecked.
 *
 * @throws {@link MlsError} `mls_error` if the bytes are none
 */
export function readInviteRecord(bytes: Uint8Array): InviteRecord {
  const reader = new TlsReader(copyBytes(bytes));
  const [signed, signature] = [reader.vector(), reader.vector()];
  if (!reader.isAtEnd) throw unreadable('it is cut short, or too long');
  return { terms: decodeTerms(signed), signed, signature };
}

function encodeTerms(terms: InviteTerms): Uint8Array {
  const channel = new TextEncoder().encode(terms.channel);
  const { groupId, inviteId, publicKey, issuer } = terms;
  const vectors = [channel, groupId, publicKey, issuer].reduce((sum, { length }) => sum + vectorBytes(length), 0);
  return new TlsWriter(1 + vectors + ID_BYTES + 1 + 1 + 4 + 8)
    .uint8(VERSION)
    .vector(channel)
    .vector(groupId)
    .raw(inviteId)
    .vector(publicKey)
    .uint8(APPROVALS[terms.approval])
    .uint8(POLICIES[terms.admit])
    .uint32(terms.maxUses)
    .uint64(BigInt(terms.expiresAtMs))
    .vector(issuer)
    .finish();
}

function decodeTerms(bytes: Uint8Array): InviteTerms {
  const reader = new TlsReader(bytes);
  const version = reader.uint8();
  if (version > VERSION) throw unreadable('a newer version of this package has made it');
  const channel = new TextDecoder().decode(reader.vector());
  const [groupId, inviteId, publicKey] = [reader.vector(), reader.raw(ID_BYTES), reader.vector()];
  const [approval, admit] = [reader.uint8(), reader.uint8()];
  const [maxUses, expiresAtMs] = [reader.uint32(), Number(reader.uint64())];
  const issuer = reader.vector();
  if (!reader.isAtEnd || version !== VERSION || !Number.isSafeInteger(expiresAtMs)) throw unreadable('it is damaged');
  return {
    channel: channelOf(channel),
    groupId,
    inviteId,
    publicKey,
    approval: nameOf(APPROVALS, approval),
    admit: nameOf(POLICIES, admit),
    maxUses,
    expiresAtMs,
    issuer,
  };
}

function channelOf(text: string): ChannelName {
  try {
    return parseChannelName(text);
  } catch (cause) {
    throw unreadable('it names no channel', cause);
  }
}

function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, value: number): Name {
  for (const name in names) if (names[name] === value) return name;
  throw unreadable('it says something that this version does not know');
}

function unreadable(reason: string, cause?: unknown): MlsError {
  return new MlsError('mls_error', `The record of an invite cannot be read: ${reason}.`, { cause });
}
