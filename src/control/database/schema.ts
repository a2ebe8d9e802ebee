/**
 * What leads from each version of the schema to the next, an empty database being version 0. In SQLite's words; PostgreSQL
 * gets `BIGINT` and `BYTEA`. A version that was released is not changed any more.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    plan TEXT NOT NULL,
    billing_status TEXT NOT NULL,
    period_end INTEGER,
    cancel_at_period_end INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    lookup TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
  );
  CREATE INDEX api_keys_by_account ON api_keys (account, created_at);
  CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
  CREATE TABLE key_identities (
    api_key TEXT NOT NULL REFERENCES api_keys (id),
    identity BLOB NOT NULL,
    account TEXT NOT NULL,
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (api_key, identity)
  );
  CREATE INDEX key_identities_by_identity ON key_identities (account, identity);

  CREATE TABLE channels (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL
  );
  CREATE TABLE channel_accounts (
    channel TEXT NOT NULL REFERENCES channels (id),
    account TEXT NOT NULL REFERENCES accounts (id),
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (channel, account)
  );
  CREATE INDEX channel_accounts_by_account ON channel_accounts (account);
  CREATE TABLE channel_identities (
    channel TEXT NOT NULL REFERENCES channels (id),
    identity BLOB NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id),
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (channel, identity)
  );
  CREATE INDEX channel_identities_by_identity ON channel_identities (identity);

  CREATE TABLE invites (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channels (id),
    account TEXT NOT NULL REFERENCES accounts (id),
    api_key TEXT NOT NULL REFERENCES api_keys (id),
    max_uses INTEGER NOT NULL,
    approval TEXT NOT NULL,
    verifier BLOB NOT NULL,
    record BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
  );
  CREATE INDEX invites_by_channel ON invites (channel, created_at);
  CREATE INDEX invites_by_key ON invites (api_key);
  CREATE INDEX invites_by_expiry ON invites (expires_at);
  CREATE TABLE invite_uses (
    invite TEXT NOT NULL REFERENCES invites (id),
    identity BLOB NOT NULL,
    account TEXT NOT NULL,
    is_admitted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (invite, identity)
  );

  CREATE TABLE join_requests (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channels (id),
    invite TEXT NOT NULL REFERENCES invites (id),
    account TEXT NOT NULL REFERENCES accounts (id),
    identity BLOB NOT NULL,
    key_package BLOB NOT NULL,
    proof BLOB NOT NULL,
    approval TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    lease_until INTEGER,
    epoch INTEGER,
    seq INTEGER
  );
  CREATE UNIQUE INDEX join_requests_open ON join_requests (invite, identity) WHERE status IN ('waiting', 'claimed');
  CREATE INDEX join_requests_by_channel ON join_requests (channel, status, created_at);
  CREATE INDEX join_requests_by_status ON join_requests (status, expires_at);

  CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    identity BLOB NOT NULL,
    reason TEXT NOT NULL,
    keys_revoked INTEGER NOT NULL,
    keys_shared TEXT NOT NULL,
    invites_revoked INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  );
  CREATE INDEX revocations_by_account ON revocations (account, created_at);
  CREATE TABLE removals (
    id TEXT PRIMARY KEY,
    revocation TEXT NOT NULL REFERENCES revocations (id),
    channel TEXT NOT NULL REFERENCES channels (id),
    identity BLOB NOT NULL,
    requested_by BLOB NOT NULL,
    signature BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    done_at INTEGER
  );
  CREATE INDEX removals_by_revocation ON removals (revocation);
  CREATE INDEX removals_by_channel ON removals (channel, created_at);

  CREATE TABLE usage_months (
    account TEXT NOT NULL REFERENCES accounts (id),
    month_start INTEGER NOT NULL,
    token_exchanges INTEGER NOT NULL,
    PRIMARY KEY (account, month_start)
  );
  `,
];
