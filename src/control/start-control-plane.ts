import type { AddressInfo } from 'node:net';
import { checkInteger } from '../base/check.ts';
import { systemClock } from '../base/clock.ts';
import { RuntimeError, TransportError } from '../base/errors.ts';
import { silentLogger } from '../relay/index.ts';
import { freePayments } from './billing/free-payments.ts';
import type { PlanDesk } from './billing/payments.ts';
import { planBook } from './billing/plan-book.ts';
import type { Context } from './context.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { createServices } from './create-services.ts';
import { openDatabase } from './database/open-database.ts';
import { createHttpServer } from './http/http-server.ts';
import { resolveControlLimits } from './limits.ts';
import { TokenSigner } from './tokens/token-signer.ts';

/** A control plane that serves. */
export interface ControlPlane {
  /** For clients: `http://127.0.0.1:8080`. */
  readonly endpoint: string;
  readonly port: number;
  /** Changes plans of accounts: for whoever hears of payments. */
  readonly plans: PlanDesk;
  /**
   * Takes no more connections, answers what is under way and what waits for a change, writes down what was counted, closes the
   * database. Idempotent.
   */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8080;

/**
 * Starts a control plane: the HTTP API of accounts, keys, tokens, channels, invites and join requests.
 *
 * @throws {@link RuntimeError} `invalid_argument` for options out of range; `data_dir_in_use`, `data_dir_version`, `store_damaged`,
 * `store_error` if the database cannot be opened.
 * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { host = '127.0.0.1', issuer = 'skytale-api', logger = silentLogger, clock = systemClock } = options;
  const port = checkInteger('port', options.port ?? DEFAULT_PORT, 0, 65_535);
  const limits = resolveControlLimits(options.limits);
  const leewayMs = checkInteger('leewayMs', options.leewayMs ?? 30_000, 0);
  const plans = planBook(options.plans, options.basicPlan);
  const signer = new TokenSigner(options.jwtSecrets, { issuer, audience: options.audience, leewayMs });
  const publicUrl = options.publicUrl === undefined ? undefined : checkUrl('publicUrl', options.publicUrl);
  const { keyMode = 'live', payments = freePayments(plans.basic, clock), trustedProxies = [] } = options;

  const steps: (() => void | Promise<void>)[] = []; // of closing, in their order
  const closeAll = async (): Promise<void> => {
    for (const step of steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        logger.error({ err: error }, 'a part of the control plane could not be closed');
      }
    }
  };
  try {
    const database = await openDatabase(options.database, logger);
    steps.unshift(() => database.close());
    const context: Context = { database, clock, logger, limits, plans };
    let endpoint = publicUrl ?? '';
    const { services, billing, changes, start, stop } = createServices(context, {
      signer,
      relay: options.relay,
      payments,
      keyMode,
      publicUrl: () => endpoint,
    });
    steps.unshift(stop);
    const app = await createHttpServer(services, { clock, logger, limits, trustedProxies, publicUrl });
    steps.unshift(async () => {
      changes.close();
      // Whoever holds a connection open beyond that is cut off.
      const cancel = clock.schedule(limits.closeTimeoutMs, () => app.server.closeAllConnections());
      await app.close();
      cancel();
    });
    await listen(() => app.listen({ host, port }), host, port);
    const { port: address } = app.server.address() as AddressInfo;
    const own = `http://${host.includes(':') ? `[${host}]` : host}:${address}`;
    endpoint = publicUrl ?? own;
    start();
    logger.info({ endpoint: own, database: options.database.kind }, 'control plane is ready');
    let closing: Promise<void> | undefined;
    return { endpoint: own, port: address, plans: billing, close: () => (closing ??= closeAll()) };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function listen(work: () => Promise<unknown>, host: string, port: number): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new TransportError('connection_error', `the control plane cannot listen on ${host}, port ${port}`, { cause });
  }
}

function checkUrl(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new RuntimeError('invalid_argument', `Expected \`${name}\` to be an https:// or http:// URL.`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
