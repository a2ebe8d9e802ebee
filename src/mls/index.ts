/**
 * MLS groups (RFC 9420) as steps: a value in, a value out. No step does I/O, keeps time, or changes what it was given; the
 * caller makes the result durable and only then lets it be seen. Everything that is known of ts-mls stays in this folder.
 *
 * @module
 */
export { createAgentKeys } from './agent-keys.ts';
export type { AgentKeys } from './agent-keys.ts';
export type { CipherSuiteName } from './cipher-suite.ts';
export type { CommitFraming } from './commit-builder.ts';
export { commitChange } from './commit.ts';
export type { GroupChange, StagedCommit } from './commit.ts';
export { createGroup, epochAuthenticator } from './create-group.ts';
export type { CreateGroupRequest } from './create-group.ts';
export type { CryptoProviderName } from './crypto/index.ts';
export { encryptMessage } from './encrypt.ts';
export type { Encrypted } from './encrypt.ts';
export { createMlsEngine } from './engine.ts';
export type { MlsEngine, MlsEngineOptions } from './engine.ts';
export { eraseSpent } from './erase.ts';
export { decodeGroup, encodeGroup } from './group-codec.ts';
export { applyGroupDelta, groupDelta } from './group-delta.ts';
export { groupExtensions } from './group-extensions.ts';
export type { GroupExtension } from './group-extensions.ts';
export { groupIdBelongsTo, groupTag, newGroupId } from './group-id.ts';
export type { Group, Member } from './group.ts';
export { decodePins, encodePins, NO_PINS, pinMembers } from './identity-pins.ts';
export type { IdentityPin, IdentityPins, KeyChange } from './identity-pins.ts';
export { admissionNotesOf } from './invite/admission-note.ts';
export type { AdmissionNote } from './invite/admission-note.ts';
export { FOUNDER_ADMISSIONS, NO_ADMISSIONS, noteAdmissions, resumedAdmissions } from './invite/admissions.ts';
export type { Admissions, SeenLeaf } from './invite/admissions.ts';
export { signInvite } from './invite/invite-record.ts';
export type { AdmitPolicy, InviteTerms } from './invite/invite-record.ts';
export { deriveInviteKeys, formatInviteToken, inviteIdText, parseInviteToken } from './invite/invite-token.ts';
export type { InviteKeys, InviteToken } from './invite/invite-token.ts';
export { decideJoin } from './invite/join-decision.ts';
export type { JoinDecision, JoinView } from './invite/join-decision.ts';
export { proveJoin } from './invite/join-proof.ts';
export type { JoinClaim } from './invite/join-proof.ts';
export { verifyJoin } from './invite/join-verification.ts';
export type { JoinedGroup, JoinEvidence, VerifiedJoin } from './invite/join-verification.ts';
export { newLeaves } from './invite/leaf-tag.ts';
export type { NewLeaf } from './invite/leaf-tag.ts';
export { joinGroup } from './join.ts';
export type { JoinGroupRequest } from './join.ts';
export { createKeyPackage, keyPackageExpiry, readKeyPackage } from './key-package.ts';
export type { KeyPackageBundle, KeyPackageInfo } from './key-package.ts';
export { leavingMembers, proposeLeave } from './leave.ts';
export type { LeaveProposal } from './leave.ts';
export type { AcceptMember, MemberContext } from './member-policy.ts';
export { groupMembers } from './members.ts';
export { describeChange } from './membership-change.ts';
export type { MembershipDifference } from './membership-change.ts';
export { inspectMessage } from './message.ts';
export type { MessageHeader } from './message.ts';
export type { Padding } from './padding.ts';
export { receiveMessage } from './receive.ts';
export type { Received } from './received.ts';
export { agreesWith, type EpochStatement, makeEpochStatement, readEpochStatement } from './epoch-statement.ts';
export { makeRejoinRequest, readRejoinRequest } from './rejoin-request.ts';
export type { RejoinRequestInfo } from './rejoin-request.ts';
export { judgeRemoval, makeRemovalRequest } from './removal-request.ts';
export type { RemovalTerms, RemovalVerdict } from './removal-request.ts';
export { comesFromLaterState } from './rollback.ts';
export { rotationDue } from './rotation.ts';
export type { EpochUse, RotationPolicy } from './rotation.ts';
export { safetyNumber } from './safety-number.ts';
export { settleCommit } from './settle.ts';
export { readWelcome } from './welcome.ts';
export type { WelcomeInfo } from './welcome.ts';
export type {
  AgentStore,
  ChannelRecord,
  Cursor,
  JournalEntry,
  OutboxEntry,
  PendingCommitEntry,
} from './store/agent-store.ts';
export {
  changeStateKey,
  decodeChannel,
  encodeChannel,
  findStateKey,
  mlsGroupCodec,
  newProtection,
  openAgentStore,
  openDataDirectory,
  readProtection,
} from './store/index.ts';
export type { DataDirectoryWarning, KeyProtection, StateKey, StoreOptions } from './store/index.ts';
