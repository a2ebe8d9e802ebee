import { Accounts } from './accounts/accounts.ts';
import { Billing } from './billing/billing.ts';
import type { Payments } from './billing/payments.ts';
import { Changes } from './changes.ts';
import { Channels } from './channels/channels.ts';
import type { Context } from './context.ts';
import { HealthCheck } from './health-check.ts';
import { RETURN_PATH } from './http/routes/billing.ts';
import { Invites } from './invites/invites.ts';
import { JoinDesk } from './joins/join-desk.ts';
import { JoinRequests } from './joins/join-requests.ts';
import { forgetJoins, sweepJoins } from './joins/join-sweeper.ts';
import type { KeyMode } from './keys/api-key.ts';
import { ApiKeys } from './keys/api-keys.ts';
import { Credentials } from './keys/credentials.ts';
import { KeyHasher } from './keys/key-hasher.ts';
import { KeyIdentities } from './keys/key-identities.ts';
import { KeyUse } from './keys/key-use.ts';
import { VerifiedKeys } from './keys/verified-keys.ts';
import { Periodic } from './periodic.ts';
import { Announcer } from './relay/announcer.ts';
import type { RelayOperations } from './relay/relay-operations.ts';
import { tellWithdrawals } from './relay/withdrawals.ts';
import { Removals } from './revocations/removals.ts';
import { Revocations } from './revocations/revocations.ts';
import type { Services } from './services.ts';
import type { TokenSigner } from './tokens/token-signer.ts';
import { Tokens } from './tokens/tokens.ts';
import { UsageCounter } from './usage/usage-counter.ts';
import { Usage } from './usage/usage.ts';

/** What the services need from outside beside their context. */
export interface ServiceTools {
  readonly signer: TokenSigner;
  readonly relay: RelayOperations;
  readonly payments: Payments;
  readonly keyMode: KeyMode;
  readonly publicUrl: () => string;
}

/** The services, and what goes on beside requests. */
export interface RunningServices {
  readonly services: Services;
  readonly billing: Billing;
  readonly changes: Changes;
  readonly start: () => void;
  /** Ends the chores and writes down what was counted. */
  readonly stop: () => Promise<void>;
}

/** How often relays are told all withdrawn keys. */
const WITHDRAWALS_MS = 30_000;
/** How late a request may expire, or a lease lapse. */
const SWEEP_MS = 1000;
/** What a crash may lose of counts and times of use. */
const FLUSH_MS = 5000;
const FORGET_MS = 60 * 60 * 1000;

/** Puts the services together. */
export function createServices(context: Context, tools: ServiceTools): RunningServices {
  const { database, clock, limits, logger } = context;
  const { signer, relay, payments, keyMode: mode, publicUrl } = tools;
  const announcer = new Announcer(relay, logger);
  const changes = new Changes(database, clock, limits.maxLongPolls, limits.maxLongPollsPerAccount);
  const hasher = new KeyHasher(limits.maxHashQueue);
  const verified = new VerifiedKeys(limits.maxVerifiedKeys);
  const use = new KeyUse(database);
  const counter = new UsageCounter(database);
  const health = new HealthCheck(database, clock);

  const periodic = (name: string, everyMs: number, work: () => Promise<void>): Periodic =>
    new Periodic(context, name, everyMs, work);
  const withdrawals = periodic('withdrawn keys', WITHDRAWALS_MS, () => tellWithdrawals(context, relay));
  const flushing = periodic('counts', FLUSH_MS, async () => {
    await use.flush();
    await counter.flush();
  });
  const sweeping = periodic('join requests', SWEEP_MS, () => sweepJoins(context, announcer));
  const forgetting = periodic('what is over', FORGET_MS, () => forgetJoins(context));
  const chores = [withdrawals, flushing, sweeping, forgetting];
  use.whenFull(() => void flushing.now());
  const onRevoked = (): void => void withdrawals.now();

  const keys = new ApiKeys(context, { mode, hasher, verified }, onRevoked);
  const billing = new Billing(context, payments, () => `${publicUrl()}${RETURN_PATH}`);
  const services: Services = {
    credentials: new Credentials(context, { mode, hasher, verified, signer, use }),
    accounts: new Accounts(context, keys),
    keys,
    tokens: new Tokens(context, signer, new KeyIdentities(context), counter),
    channels: new Channels(context),
    invites: new Invites(context),
    joinRequests: new JoinRequests(context, announcer, changes),
    joinDesk: new JoinDesk(context, announcer),
    revocations: new Revocations(context, announcer, changes, onRevoked),
    removals: new Removals(context, relay),
    usage: new Usage(context, counter, relay),
    billing,
    health: () => health.check(),
    flush: () => flushing.now(),
  };
  return {
    services,
    billing,
    changes,
    start: () => {
      hasher.warm();
      void withdrawals.now();
      for (const chore of [flushing, sweeping, forgetting]) chore.start();
    },
    stop: async () => {
      await flushing.now();
      await Promise.all(chores.map((chore) => chore.stop()));
      await announcer.idle();
      await hasher.close();
    },
  };
}
