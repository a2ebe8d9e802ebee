import { checkBytes, checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { parseChannelName } from '../base/channel-name.ts';
import type { LinkOptions, Submission } from './relay-transport.ts';
import { GROUP_BYTES, MESSAGE_ID_BYTES } from './wire/values.ts';

/** @throws RuntimeError `invalid_argument` for a submission that no relay would take, a ChannelError for a bad name. */
export function checkLinkOptions({ channel, group }: LinkOptions): void {
  parseChannelName(channel);
  checkLength('group', group, GROUP_BYTES);
}

/** What the wire's 32-bit field holds. */
const MAX_ROUND = 2 ** 32 - 1;

/** @throws RuntimeError `invalid_argument` for a message id of another length than 16, or Welcomes without a commit. */
export function checkSubmissions(submissions: readonly Submission[], round: number): void {
  checkInteger('round', round, 0, MAX_ROUND);
  for (const { kind, messageId, payload, welcomes = [] } of submissions) {
    checkLength('messageId', messageId, MESSAGE_ID_BYTES);
    checkBytes('payload', payload);
    if (kind !== 'commit' && welcomes.length > 0) {
      throw new RuntimeError('invalid_argument', 'Expected `welcomes` to come with a commit only.');
    }
  }
}

function checkLength(name: string, bytes: Uint8Array, length: number): void {
  if (checkBytes(name, bytes).length === length) return;
  throw new RuntimeError('invalid_argument', `Expected \`${name}\` to have ${length} bytes, got ${bytes.length}.`);
}
