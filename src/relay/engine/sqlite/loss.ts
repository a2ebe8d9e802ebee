import { nameHashOf } from './high-water-marks.ts';
import type { ChannelMark, ReadMarks } from './high-water-marks.ts';

/** A channel as the database has it. */
export interface FoundChannel extends ChannelMark {
  readonly id: number;
  readonly name: string;
}

/** How far a channel has to be moved on, so that no number is given twice. */
export interface ChannelLoss {
  readonly channel: FoundChannel;
  readonly mark: ChannelMark;
}

/** What was acknowledged and is not there any more. */
export interface Loss {
  /** Channels that are there and go less far than their marks say, or, where the marks do not tell, may do so. */
  readonly channels: readonly ChannelLoss[];
  /** A number above all those that were given in channels that are missing altogether. */
  readonly firstFreeSeq: number;
  /** What is missing, for people. Names no channel. */
  readonly detail: string;
}

/**
 * Added to the number that a channel goes on from where marks may not tell all: more than a relay stores between two flushes
 * of the marks.
 */
export const UNMARKED_ENTRIES: number = 2 ** 24;

/** Compares what is there with the marks; `undefined` if nothing that was marked is missing. */
export function findLoss({ condition, marks }: ReadMarks, channels: readonly FoundChannel[]): Loss | undefined {
  const found = new Map(channels.map((channel) => [channel.id, channel]));
  const behind: ChannelLoss[] = [];
  let [entries, changes, missing, highest] = [0, 0, 0, 0];
  for (const [id, mark] of marks) {
    const channel = found.get(id);
    if (channel === undefined || nameHashOf(channel.name) !== mark.nameHash) {
      missing += 1;
      highest = Math.max(highest, mark.headSeq);
    } else if (isBehind(channel, mark)) {
      entries += Math.max(0, mark.headSeq - channel.headSeq);
      changes += Math.max(0, mark.accessChanges - channel.accessChanges);
      behind.push({ channel, mark });
    }
  }
  const parts = [
    ...(entries === 0 ? [] : [`${entries} entries at the end of ${behind.length} channels`]),
    ...(changes === 0 ? [] : [`${changes} changes of members`]),
    ...(missing === 0 ? [] : [`${missing} channels altogether`]),
    ...(condition === 'damaged' ? ['high-water marks that can be read'] : []),
    ...(condition === 'missing' && channels.length > 0 ? ['the file of high-water marks'] : []),
  ];
  if (parts.length === 0) return undefined;
  const detail = `these are missing: ${parts.join(', ')}`;
  const firstFreeSeq = highest + 1;
  if (condition === 'exact') return { channels: behind, firstFreeSeq, detail };
  // What was stored after the last mark that reached the disk may be missing too, in any channel.
  const all = channels.map((channel) => ({ channel, mark: moved(channel, marks.get(channel.id)) }));
  return { channels: all, firstFreeSeq: firstFreeSeq + UNMARKED_ENTRIES, detail };
}

function isBehind(channel: ChannelMark, mark: ChannelMark): boolean {
  return channel.headSeq < mark.headSeq || channel.epoch < mark.epoch || channel.accessChanges < mark.accessChanges;
}

function moved(channel: FoundChannel, mark: ChannelMark = channel): ChannelMark {
  return {
    headSeq: Math.max(channel.headSeq, mark.headSeq) + UNMARKED_ENTRIES,
    epoch: Math.max(channel.epoch, mark.epoch),
    accessChanges: Math.max(channel.accessChanges, mark.accessChanges),
  };
}
