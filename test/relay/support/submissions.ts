import { randomBytes } from 'node:crypto';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { Submission } from '../../../src/transport/index.ts';

export const CHANNEL: ChannelName = parseChannelName('acme/research/summarizer');
export const OTHER_CHANNEL: ChannelName = parseChannelName('acme/research/translator');
export const GROUP: Uint8Array = new Uint8Array(16).fill(7);
export const OTHER_GROUP: Uint8Array = new Uint8Array(16).fill(8);

export function fresh(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

export function message(epoch = 0n, payload: Uint8Array = fresh(40)): Submission {
  return { kind: 'message', epoch, messageId: fresh(16), payload };
}

export function messages(count: number, epoch = 0n, bytes = 40): Submission[] {
  return Array.from({ length: count }, () => message(epoch, fresh(bytes)));
}

export function commit(epoch: bigint, welcomes: Submission['welcomes'] = []): Submission {
  return { kind: 'commit', epoch, messageId: fresh(16), payload: fresh(60), welcomes };
}
