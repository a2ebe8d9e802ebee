import type { Accounts } from './accounts/accounts.ts';
import type { Billing } from './billing/billing.ts';
import type { Channels } from './channels/channels.ts';
import type { Invites } from './invites/invites.ts';
import type { JoinDesk } from './joins/join-desk.ts';
import type { JoinRequests } from './joins/join-requests.ts';
import type { ApiKeys } from './keys/api-keys.ts';
import type { Credentials } from './keys/credentials.ts';
import type { Removals } from './revocations/removals.ts';
import type { Revocations } from './revocations/revocations.ts';
import type { Tokens } from './tokens/tokens.ts';
import type { Usage } from './usage/usage.ts';

/** What routes hand requests on to. */
export interface Services {
  readonly credentials: Credentials;
  readonly accounts: Accounts;
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly channels: Channels;
  readonly invites: Invites;
  readonly joinRequests: JoinRequests;
  readonly joinDesk: JoinDesk;
  readonly revocations: Revocations;
  readonly removals: Removals;
  readonly usage: Usage;
  readonly billing: Billing;
  /** Resolves if the server can do its work. */
  readonly health: () => Promise<void>;
  /** Writes down what is counted in memory, before it is read. */
  readonly flush: () => Promise<void>;
}
