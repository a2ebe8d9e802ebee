import { prepareAll } from './sql-database.ts';
import type { SqlDatabase, SqlStatement } from './sql-database.ts';

const TEXT = {
  countChannels: 'SELECT COUNT(*) FROM channels',
  allChannels: 'SELECT id, name, head_seq, epoch, access_changes FROM channels',
  selectChannel:
    'SELECT id, mls_group, head_seq, epoch, is_claimed, access_changes, trimmed_seq FROM channels WHERE name = ?',
  insertChannel: 'INSERT INTO channels (name, mls_group, head_seq, epoch, trimmed_seq) VALUES (?, ?, ?, 0, ?)',
  updateChannel: 'UPDATE channels SET head_seq = ?, epoch = ?, is_claimed = ?, access_changes = ? WHERE id = ?',
  selectTrimmed: 'SELECT trimmed_seq FROM channels WHERE id = ?',
  selectName: 'SELECT name FROM channels WHERE id = ?',
  countEntries: 'SELECT COALESCE(SUM(head_seq - trimmed_seq), 0) FROM channels',
  updateTrimmed: 'UPDATE channels SET trimmed_seq = ? WHERE id = ?',
  insertCommit: 'INSERT INTO commits (channel, epoch, seq) VALUES (?, ?, ?)',
  selectCommit: 'SELECT seq FROM commits WHERE channel = (SELECT id FROM channels WHERE name = ?) AND epoch = ?',
  insertWelcome: 'INSERT INTO welcomes (channel, commit_seq, part, stored_at_ms, payload) VALUES (?, ?, ?, ?, ?)',
  // A key package is used once; if two commits name it, the later one counts. Its owner stays who it was.
  upsertWelcomeRef: `INSERT INTO welcome_refs (key_package_ref, channel, commit_seq, part, stored_at_ms)
    VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key_package_ref) DO UPDATE SET channel = excluded.channel, commit_seq = excluded.commit_seq,
      part = excluded.part, stored_at_ms = excluded.stored_at_ms, has_admitted = 0`,
  selectWelcome: `SELECT channels.name, commit_seq, payload, account, has_admitted
    FROM welcome_refs
    JOIN welcomes USING (channel, commit_seq, part)
    JOIN channels ON channels.id = welcome_refs.channel
    WHERE key_package_ref = ?`,
  claimWelcome: 'UPDATE welcome_refs SET account = ?, has_admitted = 1 WHERE key_package_ref = ?',
  deleteWelcomeRefs: 'DELETE FROM welcome_refs WHERE stored_at_ms < ?',
  deleteWelcomes: 'DELETE FROM welcomes WHERE stored_at_ms < ?',
  selectMember: 'SELECT 1 FROM members WHERE channel = ? AND account = ?',
  insertMember: 'INSERT OR IGNORE INTO members (channel, account) VALUES (?, ?)',
  deleteMember: 'DELETE FROM members WHERE channel = ? AND account = ?',
  selectUsage: 'SELECT messages FROM usage WHERE account = ? AND month_start_ms = ?',
  upsertUsage: `INSERT INTO usage (account, month_start_ms, messages) VALUES (?, ?, ?)
    ON CONFLICT (account, month_start_ms) DO UPDATE SET messages = excluded.messages`,
  lastMonth: 'SELECT MAX(month_start_ms) FROM usage',
  insertLoss: 'INSERT INTO losses (accepted_at_ms, first_free_seq, detail) VALUES (?, ?, ?)',
  selectLosses: 'SELECT COUNT(*), MAX(first_free_seq) FROM losses',
  insertLostRange: 'INSERT INTO lost_ranges (channel, after_seq, through_seq) VALUES (?, ?, ?)',
  nextLostRange:
    'SELECT after_seq, through_seq FROM lost_ranges WHERE channel = ? AND through_seq > ? ORDER BY after_seq LIMIT 1',
  skipLost: 'UPDATE channels SET head_seq = ?, epoch = ?, access_changes = ? WHERE id = ?',
  fillProbe: 'INSERT INTO probe (filler) VALUES (zeroblob(?))',
  emptyProbe: 'DELETE FROM probe',
} as const;

/** The statements of the log, prepared once per connection. */
export type LogStatements = Readonly<Record<keyof typeof TEXT, SqlStatement>>;

/** Prepares all statements of the log. */
export function prepareStatements(database: SqlDatabase): LogStatements {
  return prepareAll(database, TEXT);
}
