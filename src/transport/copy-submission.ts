import { copyBytes } from '../base/bytes.ts';
import type { Submission } from './relay-transport.ts';

/** A submission that shares no memory with the one that the caller goes on to use. */
export function copySubmission({ welcomes, ...submission }: Submission): Submission {
  return {
    ...submission,
    messageId: copyBytes(submission.messageId),
    payload: copyBytes(submission.payload),
    ...(welcomes && {
      welcomes: welcomes.map(({ keyPackageRefs, payload }) => ({
        keyPackageRefs: keyPackageRefs.map(copyBytes),
        payload: copyBytes(payload),
      })),
    }),
  };
}
