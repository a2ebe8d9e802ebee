import { parseChannelName } from '../../../base/channel-name.ts';
import type { Announcement } from '../log-engine.ts';

/** What one message between relays says. */
export interface HeardAnnouncements {
  /** The relay that sent it. */
  readonly from: string;
  /** Those that this version of the relay knows. */
  readonly announcements: readonly Announcement[];
}

const VERSION = 1;
/** Several times what a relay sends. */
const MAX_BYTES = 256 * 1024;

/** The bytes of one message, in JSON: they are few and rare, and an operator may listen. */
export function encodeAnnouncements(from: string, announcements: readonly Announcement[]): Uint8Array {
  return Buffer.from(JSON.stringify({ version: VERSION, from, announcements }), 'utf8');
}

/**
 * What a message says; `undefined` for one that no relay of this version could have sent. Announcements of a kind that only a
 * newer relay knows are left out.
 */
export function decodeAnnouncements(data: Uint8Array): HeardAnnouncements | undefined {
  if (data.length > MAX_BYTES) return undefined;
  let heard: unknown;
  try {
    heard = JSON.parse(Buffer.from(data).toString('utf8'));
  } catch {
    return undefined; // the caller says so
  }
  if (typeof heard !== 'object' || heard === null) return undefined;
  const { version, from, announcements } = heard as Record<string, unknown>;
  if (version !== VERSION || typeof from !== 'string' || !Array.isArray(announcements)) return undefined;
  const known = announcements.map(announcementOf).filter((each) => each !== undefined);
  return { from, announcements: known };
}

/** What an announcement is about: of two with one key, the later one says all. */
export function keyOf(announcement: Announcement): string {
  return announcement.kind === 'notice'
    ? `notice ${announcement.topic} ${announcement.channel}`
    : `withdrawn ${announcement.keyId}`;
}

function announcementOf(value: unknown): Announcement | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, channel, topic, keyId, untilMs } = value as Record<string, unknown>;
  if (kind === 'withdrawn' && typeof keyId === 'string' && Number.isSafeInteger(untilMs)) {
    return { kind, keyId, untilMs: untilMs as number };
  }
  if (kind !== 'notice' || typeof channel !== 'string') return undefined;
  if (topic !== 'join-requests' && topic !== 'removals') return undefined;
  try {
    return { kind, channel: parseChannelName(channel), topic };
  } catch {
    return undefined; // a name that is none concerns no subscriber
  }
}
