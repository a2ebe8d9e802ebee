import type { SegmentFiles, SegmentPlace } from './segment-files.ts';
import type { SqlDatabase } from './sql-database.ts';

/** A segment whose bytes should lie in a file, and do not. */
interface MissingSegment {
  readonly id: number;
  readonly channel: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** Acknowledged entries that the files beside the database do not hold any more. */
export interface MissingSegments {
  readonly segments: readonly MissingSegment[];
  /** For people. Names no channel. */
  readonly detail: string;
}

/** The place that was given last; `undefined` before the first. */
export function lastPlace(database: SqlDatabase): SegmentPlace | undefined {
  const row = database
    .prepare('SELECT file, offset, bytes FROM segment_places ORDER BY segment DESC LIMIT 1')
    .first([]);
  return row && placeOf(row);
}

/**
 * Looks whether the files are as long as they must be; `undefined` if all are. What is in them is looked at when it is read:
 * each segment has a checksum.
 */
export function findMissingSegments(database: SqlDatabase, files: SegmentFiles): MissingSegments | undefined {
  const furthest = database.prepare('SELECT file, MAX(offset), bytes FROM segment_places GROUP BY file').all([]);
  const short = furthest.map(placeOf).filter((place) => !files.has(place));
  const select = database.prepare(`
    SELECT id, channel, first_seq, last_seq, offset, bytes
    FROM segments JOIN segment_places ON segment = id WHERE file = ?`);
  const segments = short.flatMap(({ file }) =>
    (select.all([file]) as [number, number, number, number, number, number][])
      .filter(([, , , , offset, bytes]) => !files.has({ file, offset, bytes }))
      .map(([id, channel, firstSeq, lastSeq]) => ({ id, channel, firstSeq, lastSeq })),
  );
  if (segments.length === 0) return undefined;
  const entries = segments.reduce((sum, { firstSeq, lastSeq }) => sum + lastSeq - firstSeq + 1, 0);
  return { segments, detail: `${entries} entries in ${short.length} files of entries` };
}

/** Gives up what is missing, in a transaction: it reads as a gap from now on. */
export function giveUp(database: SqlDatabase, { segments }: MissingSegments): void {
  const note = database.prepare('INSERT INTO lost_ranges (channel, after_seq, through_seq) VALUES (?, ?, ?)');
  const forget = database.prepare('DELETE FROM segments WHERE id = ?');
  const displace = database.prepare('DELETE FROM segment_places WHERE segment = ?');
  for (const { id, channel, firstSeq, lastSeq } of segments) {
    note.run([channel, firstSeq - 1, lastSeq]);
    forget.run([id]);
    displace.run([id]);
  }
}

function placeOf(row: readonly unknown[]): SegmentPlace {
  const [file, offset, bytes] = row as [number, number, number];
  return { file, offset, bytes };
}
