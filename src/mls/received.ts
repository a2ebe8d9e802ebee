import type { Group, Member } from './group.ts';
import type { KeyChange } from './identity-pins.ts';

/** What came out of a message, and the group after it. */
export type Received =
  | {
      readonly kind: 'application';
      readonly group: Group;
      readonly sender: Member;
      readonly plaintext: Uint8Array;
      readonly authenticatedData: Uint8Array;
    }
  | {
      readonly kind: 'commit';
      /** In the next epoch; or in the same, and not active, if the commit removes us. */
      readonly group: Group;
      readonly committer: Member | undefined;
      /** Identities that it has added and that were known under another signature key. */
      readonly keyChanged: readonly KeyChange[];
    }
  | {
      /** A member asks to be removed. Somebody should commit: any change, or `{}`. See {@link leavingMembers}. */
      readonly kind: 'leave-proposed';
      readonly group: Group;
      readonly leaf: number;
      readonly member: Member;
    };
