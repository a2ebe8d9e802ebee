import { createHash } from 'node:crypto';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group, Member } from './group.ts';
import { groupMembers } from './members.ts';
import { TlsReader } from './tls-reader.ts';
import { TlsWriter, vectorBytes } from './tls-writer.ts';

/** What a member asks of the others of all its channels: to remove an agent. */
export interface RemovalTerms {
  readonly identity: Uint8Array;
  /** The keys that the agent has been seen with. Whoever comes back under the same identity with another one is not meant. */
  readonly signatureKeys: readonly Uint8Array[];
  readonly reason: string;
  /** Unix milliseconds. */
  readonly madeAtMs: number;
}

/** A request as it comes from the control plane, which is not to be believed. */
export interface PresentedRemoval {
  readonly identity: Uint8Array;
  /** Identity of the member that asks. */
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * What a request means to a group. `gone`: who is meant is no member. `void`: it is not to be followed, and `why` says so in
 * a few words.
 */
export type RemovalVerdict =
  | { readonly kind: 'remove'; readonly member: Member; readonly reason: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'void'; readonly why: string };

/** For SignWithLabel (RFC 9420 §5.1.2): what is signed as a removal is nothing else. */
const LABEL = 'SkytaleRemoval';
const VERSION = 1;
const TAG_BYTES = 32;
/** The control plane carries 4 KiB. */
const MAX_KEYS = 64;

/** A request to remove an agent, signed with the key that its author has in all of its groups. */
export async function makeRemovalRequest(engine: MlsEngine, keys: AgentKeys, terms: RemovalTerms): Promise<Uint8Array> {
  const content = encodeTerms(terms);
  const { signature } = engineParts(engine).crypto;
  const signed = await signWithLabel(keys.signaturePrivateKey, LABEL, content, signature);
  return new TlsWriter(vectorBytes(content.length) + vectorBytes(signed.length))
    .vector(content)
    .vector(signed)
    .finish();
}

/**
 * Judges a request by the group's present tree: followed are members only, about members with the key that they name. So whoever
 * carries requests can neither invent one, nor turn one against somebody else, nor use an old one against who came back.
 */
export async function judgeRemoval(
  engine: MlsEngine,
  group: Group,
  { identity, requestedBy, signature }: PresentedRemoval,
): Promise<RemovalVerdict> {
  const members = groupMembers(group);
  const member = members.find((candidate) => equalBytes(candidate.identity, identity));
  if (member === undefined) return { kind: 'gone' };
  const author = members.find((candidate) => equalBytes(candidate.identity, requestedBy));
  if (author === undefined) return { kind: 'void', why: 'who asks for it is no member' };
  const request = decode(signature);
  if (request === undefined) return { kind: 'void', why: 'it is malformed' };
  if (!equalBytes(request.identity, identity)) return { kind: 'void', why: 'it was made for another agent' };
  if (!(await isSigned(engine, author, request))) return { kind: 'void', why: 'who asks for it has not signed it' };
  const tag = tagOf(member.signatureKey);
  if (!request.tags.some((other) => equalBytes(other, tag))) {
    return { kind: 'void', why: 'it was made when the agent had other keys' };
  }
  return { kind: 'remove', member, reason: request.reason };
}

interface SignedRequest {
  readonly identity: Uint8Array;
  readonly tags: readonly Uint8Array[];
  readonly reason: string;
  readonly content: Uint8Array;
  readonly signed: Uint8Array;
}

async function isSigned(engine: MlsEngine, { signatureKey }: Member, request: SignedRequest): Promise<boolean> {
  try {
    const { signature } = engineParts(engine).crypto;
    return await verifyWithLabel(signatureKey, LABEL, request.content, request.signed, signature);
  } catch {
    return false; // what a provider cannot even read as a signature is none
  }
}

function encodeTerms({ identity, signatureKeys, reason, madeAtMs }: RemovalTerms): Uint8Array {
  const tags = signatureKeys.slice(0, MAX_KEYS).map(tagOf);
  const list = new TlsWriter(tags.length * TAG_BYTES);
  for (const tag of tags) list.raw(tag);
  const text = new TextEncoder().encode(reason);
  const size = 1 + vectorBytes(identity.length) + vectorBytes(tags.length * TAG_BYTES) + vectorBytes(text.length) + 8;
  return new TlsWriter(size)
    .uint8(VERSION)
    .vector(identity)
    .vector(list.finish())
    .vector(text)
    .uint64(BigInt(Math.floor(madeAtMs)))
    .finish();
}

/** `undefined` for what is no request, or one of a newer version. */
function decode(bytes: Uint8Array): SignedRequest | undefined {
  const outer = new TlsReader(bytes);
  const [content, signed] = [copyBytes(outer.vector()), copyBytes(outer.vector())];
  const reader = new TlsReader(content);
  const version = reader.uint8();
  const [identity, list, text] = [copyBytes(reader.vector()), copyBytes(reader.vector()), reader.vector()];
  // When it was made: for people, and for versions to come.
  reader.uint64();
  if (version !== VERSION || !outer.isAtEnd || !reader.isAtEnd || list.length % TAG_BYTES !== 0) return undefined;
  const tags = Array.from({ length: list.length / TAG_BYTES }, (_, index) =>
    list.subarray(index * TAG_BYTES, (index + 1) * TAG_BYTES),
  );
  return { identity, tags, reason: new TextDecoder().decode(text), content, signed };
}

function tagOf(signatureKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(signatureKey).digest());
}
