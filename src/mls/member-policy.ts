import { toHex } from '../base/bytes.ts';
import { MlsError, RuntimeError } from '../base/errors.ts';
import type { Member } from './group.ts';
import type { IdentityPins } from './identity-pins.ts';
import { knownKeys } from './membership-change.ts';

/** Where {@link AcceptMember} is asked, and what is known already. */
export interface MemberContext {
  /** `own-commit`: we are about to add it. `commit`: somebody has added it. `join`: it was there before us. */
  readonly occasion: 'own-commit' | 'commit' | 'join';
  readonly groupId: Uint8Array;
  /**
   * The signature key that this identity was known by: as a member before the commit, or else by its pin. Differs from
   * `member.signatureKey` when the key has changed; `undefined` for an identity that is new.
   */
  readonly knownKey: Uint8Array | undefined;
}

/**
 * Whether a member may be in the group, asked once for each that is new to us. Must decide at once, and alike at all members:
 * **refusing a commit that others have made stops us at that commit**, since none can be skipped, and refusing at a join
 * means not joining, also where the channel asks for a fresh leaf behind that commit. Our own commits are simply not made.
 */
export type AcceptMember = (member: Member, context: MemberContext) => boolean;

/** One change of members, as the policy is to judge it. */
export interface Admission {
  readonly occasion: MemberContext['occasion'];
  readonly groupId: Uint8Array;
  /** Without our own leaf. */
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  readonly pins: IdentityPins;
}

/**
 * Why the members that were added must not be there, or `undefined`: the policy says so.
 *
 * @throws {@link MlsError} `mls_error` if the policy throws; {@link RuntimeError} `invalid_argument` if it does not
 * answer with a boolean. A promise of one would pass for "yes" otherwise.
 */
export function objectionToAdmission(
  acceptMember: AcceptMember | undefined,
  { occasion, groupId, added, removed, pins }: Admission,
): string | undefined {
  if (acceptMember === undefined) return undefined;
  const known = knownKeys(added, removed, pins);
  for (const member of added) {
    const context = { occasion, groupId, knownKey: known.get(toHex(member.identity)) };
    if (!ask(acceptMember, member, context)) return `the policy does not accept the member at leaf ${member.leaf}`;
  }
  return undefined;
}

function ask(acceptMember: AcceptMember, member: Member, context: MemberContext): boolean {
  let answer: unknown;
  try {
    answer = acceptMember(member, context);
  } catch (cause) {
    throw new MlsError('mls_error', 'The policy `acceptMember` threw an error.', { cause });
  }
  if (typeof answer === 'boolean') return answer;
  throw new RuntimeError('invalid_argument', `Expected \`acceptMember\` to return a boolean, got ${typeof answer}.`);
}
