import { toSkytaleError } from '../../base/errors.ts';
import { callApi } from '../api/control-api.ts';
import type { Usage } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import type { ApiSettings } from '../settings.ts';
import { failure, type Finding, ok, skipped, warning } from './finding.ts';

const REQUEST_MS = 5_000;
/** Tokens and key packages bear a few seconds. */
const MAX_SKEW_MS = 20_000;

/** A server's `/health`, and whether its clock and ours agree. */
export async function checkHealth(
  context: CliContext,
  check: 'relay' | 'control-plane',
  url: string,
): Promise<Finding[]> {
  const { clock, terminal } = context;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return [failure(check, `${url} is no https:// or http:// address`, `Correct ${variableOf(check)}.`)];
  }
  const late = new AbortController();
  const cancel = clock.schedule(REQUEST_MS, () => late.abort(new Error(`no answer within ${REQUEST_MS / 1000} s`)));
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.any([terminal.signal, late.signal]) });
    const date = Date.parse(response.headers.get('date') ?? '');
    const skewMs = Number.isNaN(date) ? 0 : Math.abs(clock.now() - date);
    const health = response.ok
      ? ok(check, `${url} is healthy`)
      : failure(check, `${url} answers with status ${response.status}`, 'It runs and is not well: look at its log.');
    return skewMs <= MAX_SKEW_MS ? [health] : [health, skewFinding(check, skewMs)];
  } catch (error) {
    terminal.signal.throwIfAborted();
    return [unreachable(check, url, error)];
  } finally {
    cancel();
  }
}

function skewFinding(check: string, skewMs: number): Finding {
  return warning(
    'clock',
    `this machine's clock and that of the ${check} differ by ${Math.round(skewMs / 1000)} s`,
    'Set both by NTP: tokens and key packages are refused before their time and after it.',
  );
}

function unreachable(check: 'relay' | 'control-plane', url: string, error: unknown): Finding {
  const { code, reason } = causeOf(error);
  const where = new URL(url);
  if (
    code.startsWith('ERR_TLS') ||
    code.includes('CERT') ||
    code.includes('SELF_SIGNED') ||
    code === 'EPROTO' ||
    code.startsWith('ERR_SSL')
  ) {
    return failure(
      check,
      `${url}: the TLS certificate is not accepted (${reason})`,
      'Correct the certificate, or give its authority in NODE_EXTRA_CA_CERTS. For a server without TLS the address begins with http://.',
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return failure(
      check,
      `the name ${where.hostname} is not known`,
      `Correct ${variableOf(check)}, or the name service.`,
    );
  }
  if (code === 'ECONNREFUSED') {
    return failure(
      check,
      `nothing listens on ${where.host}`,
      `Start it ("skytale up", or systemctl status skytale-relay), or correct ${variableOf(check)}.`,
    );
  }
  return failure(
    check,
    `${url} does not answer (${reason})`,
    `Look at firewalls and proxies between here and ${where.host} (TCP).`,
  );
}

function variableOf(check: 'relay' | 'control-plane'): string {
  return check === 'relay' ? 'SKYTALE_RELAY or --relay' : 'SKYTALE_API_URL or --api-url';
}

/** fetch hides what has happened behind "fetch failed". */
function causeOf(error: unknown): { readonly code: string; readonly reason: string } {
  let innermost: unknown = error;
  for (let depth = 0; depth < 5 && innermost instanceof Error && innermost.cause !== undefined; depth += 1)
    innermost = innermost.cause;
  const code = (innermost as { readonly code?: unknown } | undefined)?.code;
  return {
    code: typeof code === 'string' ? code : '',
    reason: innermost instanceof Error ? innermost.message : String(innermost),
  };
}

/** Whether the control plane takes the key, and what is left of the plan. */
export async function checkAccount(context: CliContext, settings: ApiSettings): Promise<Finding[]> {
  if (settings.apiKey === undefined) return [skipped('account', 'no API key')];
  try {
    const usage = (await callApi(context, settings, { method: 'GET', path: '/v1/usage' })) as Usage;
    return [ok('account', `the control plane takes the key (plan ${usage.plan_tier})`), quotaFinding(usage)];
  } catch (error) {
    context.terminal.signal.throwIfAborted();
    const { code, message } = toSkytaleError(error);
    const isKey = code === 'auth_failed' || code === 'unauthorized';
    const fix = isKey
      ? 'The key was revoked, or belongs to another control plane: make another ("skytale keys create", "skytale signup").'
      : 'See the finding about the control plane.';
    return [failure('account', message, fix)];
  }
}

function quotaFinding({ messages_relayed: used, limits: { messages_per_month: limit } }: Usage): Finding {
  if (limit === null) return ok('quota', `${used} messages this month, no limit`);
  const detail = `${used} of ${limit} messages this month`;
  const fix = 'Wait for the first of the month (UTC), or run "skytale billing upgrade".';
  if (used >= limit) return failure('quota', detail, fix);
  return used >= limit * 0.9 ? warning('quota', detail, fix) : ok('quota', detail);
}
