import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { LinkEvent, LogEntry, Submission } from '../../../src/transport/index.ts';
import type { Recording } from './recording.ts';

export const CHANNEL: ChannelName = parseChannelName('acme/research/summarizer');
export const GROUP: Uint8Array = new Uint8Array(16).fill(7);
export const OTHER_GROUP: Uint8Array = new Uint8Array(16).fill(8);

/** Sixteen bytes that are the same for the same name. */
export function id(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(name.padEnd(16, '.')).subarray(0, 16));
}

export function message(name: string, epoch = 0n): Submission {
  return { kind: 'message', epoch, messageId: id(name), payload: Buffer.from(`payload of ${name}`) };
}

export function commit(name: string, epoch: bigint, welcomes: Submission['welcomes'] = []): Submission {
  return { kind: 'commit', epoch, messageId: id(name), payload: Buffer.from(`payload of ${name}`), welcomes };
}

/** All entries that a link has emitted. */
export function entriesOf(recording: Recording<LinkEvent>): readonly LogEntry[] {
  return recording.events.flatMap((event) => (event.kind === 'entries' ? event.entries : []));
}

/** The names of the messages behind entries. */
export function namesOf(entries: readonly LogEntry[]): readonly string[] {
  return entries.map(({ messageId }) => Buffer.from(messageId).toString().replace(/\.+$/, ''));
}

export function hasKind(kind: LinkEvent['kind'], times = 1): (events: readonly LinkEvent[]) => boolean {
  return (events) => events.filter((event) => event.kind === kind).length >= times;
}

export function hasEntries(recording: Recording<LinkEvent>, count: number): Promise<void> {
  return recording.until(() => entriesOf(recording).length >= count);
}
