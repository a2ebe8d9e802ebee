import type { ChannelName } from '../../base/channel-name.ts';
import { equalBytes } from '../../base/bytes.ts';
import { MlsError } from '../../base/errors.ts';
import { engineParts } from '../engine.ts';
import type { MlsEngine } from '../engine.ts';
import type { Member } from '../group.ts';
import { openKeyPackage } from '../key-package.ts';
import { type InviteTerms, isSignedBy, readInviteRecord } from './invite-record.ts';
import { inviteIdText } from './invite-token.ts';
import { provesJoin, readJoinProof } from './join-proof.ts';
import { leafTagOf } from './leaf-tag.ts';

/** A request to join as a control plane hands it on. */
export interface JoinEvidence {
  /** 16 bytes in base64url. */
  readonly inviteId: string;
  readonly inviteRecord: Uint8Array;
  readonly identity: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly proof: Uint8Array;
}

/** The group that somebody wants to join, as the member sees it who checks the request. */
export interface JoinedGroup {
  readonly channel: ChannelName;
  readonly groupId: Uint8Array;
  readonly members: readonly Member[];
}

/** What a request says once it was found to be what it seems. */
export interface VerifiedJoin {
  readonly terms: InviteTerms;
  /** When it was made, by the joiner's clock, in Unix milliseconds. */
  readonly madeAtMs: number;
  /** Names the leaf that the key package would become. */
  readonly leafTag: Uint8Array;
}

/** How far the clock of a joiner may be ahead of ours. */
const CLOCK_AHEAD_MS = 10 * 60 * 1000;

/**
 * Checks a request to join against the group as it is now: that a present member has made the invite, that it is for this
 * channel and group and still good, that the holder of its token wants exactly this key package added for exactly this
 * identity, and that the key package can be used. Whether it is the first time that it is asked for is another question: see
 * {@link Admissions}.
 *
 * @throws {@link MlsError} `invalid_key_package`, or `mls_error` saying what is wrong; nothing of the request is to be used then
 */
export async function verifyJoin(
  engine: MlsEngine,
  group: JoinedGroup,
  evidence: JoinEvidence,
  nowMs: number,
): Promise<VerifiedJoin> {
  const record = readInviteRecord(evidence.inviteRecord);
  const { terms } = record;
  if (terms.channel !== group.channel || !equalBytes(terms.groupId, group.groupId)) {
    throw refusal('its invite is for another channel');
  }
  if (inviteIdText(terms.inviteId) !== evidence.inviteId) throw refusal('its invite goes by another id');
  const issuer = group.members.find(({ identity }) => equalBytes(identity, terms.issuer));
  if (issuer === undefined) throw refusal('who has made its invite is no member any more');
  if (!(await isSignedBy(engine, record, issuer.signatureKey))) throw refusal('its invite was not made by a member');
  if (terms.expiresAtMs <= nowMs) throw refusal('its invite has expired');
  const { identity, keyPackage } = evidence;
  const proof = readJoinProof(evidence.proof);
  const claim = { channel: group.channel, inviteId: terms.inviteId, identity, keyPackage };
  if (!(await provesJoin(terms.publicKey, claim, proof))) {
    throw refusal('it was not made by a holder of the invite');
  }
  if (proof.madeAtMs > nowMs + CLOCK_AHEAD_MS)
    throw refusal('it is from the future; compare the clocks of the machines');
  const opened = await openKeyPackage(engineParts(engine), keyPackage, nowMs);
  if (!equalBytes(opened.info.identity, identity)) throw refusal('its key package is of another identity');
  return { terms, madeAtMs: proof.madeAtMs, leafTag: leafTagOf(opened.keyPackage.leafNode) };
}

function refusal(reason: string): MlsError {
  return new MlsError('mls_error', `The request to join is refused: ${reason}.`);
}
