import { DEFAULT_PLANS } from '../access/index.ts';
import type { Plans, SharedSecret } from '../access/index.ts';
import type { RelayOptions } from '../relay-options.ts';
import type { Settings } from './resolve-settings.ts';
import { UNLIMITED } from './setting.ts';
import { readSecret, secretOrFile } from './secret-file.ts';
import { MIN_SECRET_BYTES } from './settings.ts';

type AuthOptions = NonNullable<RelayOptions['auth']>;

/** What only makes sense where clients are authenticated. */
const NEEDS_KEYS = ['auth.audience', 'auth.unknown_plan'] as const;

/**
 * How accounts prove who they are, or `undefined` if no secret and no key set is configured: then the relay is open. What is
 * wrong is added to `problems`.
 */
export async function authFrom(settings: Settings, problems: string[]): Promise<AuthOptions | undefined> {
  const secrets = await secretsFrom(settings, problems);
  const url = settings.get('auth.jwks_url');
  if (secrets.length === 0 && url === undefined) {
    for (const key of NEEDS_KEYS) {
      const source = settings.sourceOf(key);
      if (source !== undefined)
        problems.push(`${key} (${source}): expected server.jwt_secret or auth.jwks_url with it`);
    }
    return undefined;
  }
  const plans = plansFrom(settings);
  const [audience, unknownPlan] = NEEDS_KEYS.map((key) => settings.get(key));
  if (unknownPlan !== undefined && !Object.hasOwn(plans, unknownPlan)) {
    const names = Object.keys(plans).join(', ');
    problems.push(`auth.unknown_plan: expected one of the plans (${names}), got ${JSON.stringify(unknownPlan)}`);
  }
  return {
    secrets,
    ...(url === undefined ? {} : { jwks: { url } }),
    issuer: settings.get('auth.issuer'),
    ...(audience === undefined ? {} : { audience }),
    leewayMs: settings.get('auth.leeway_ms'),
    plans,
    ...(unknownPlan === undefined ? {} : { unknownPlan }),
  };
}

/** Each plan that is configured takes the place of one with its name, the others stay. */
function plansFrom(settings: Settings): Plans {
  const configured = [...settings.named('plans.*.messages_per_month')].map(
    ([name, messages]) => [name, messages === UNLIMITED ? {} : { messagesPerMonth: messages }] as const,
  );
  return { ...DEFAULT_PLANS, ...Object.fromEntries(configured) };
}

async function secretsFrom(settings: Settings, problems: string[]): Promise<SharedSecret[]> {
  const found: { readonly key: string; readonly kid?: string; readonly secret: string | undefined }[] = [];
  found.push({ key: 'server.jwt_secret', secret: await secretOrFile(settings, 'server.jwt_secret', problems) });
  const named = settings.named('auth.secrets.*');
  for (const [kid, value] of named) found.push({ key: `auth.secrets.${kid}`, kid, secret: value });
  for (const [kid, file] of settings.named('auth.secret_files.*')) {
    const key = `auth.secret_files.${kid}`;
    if (named.has(kid)) problems.push(`auth.secrets.${kid} and ${key}: expected one of them`);
    found.push({ key, kid, secret: await readSecret(key, file, problems) });
  }
  return found.flatMap(({ key, kid, secret: value }) => {
    if (value === undefined) return []; // not set, or reported already
    const bytes = Buffer.byteLength(value);
    if (bytes < MIN_SECRET_BYTES) {
      problems.push(`${key}: expected a secret of at least ${MIN_SECRET_BYTES} bytes, got ${bytes}`);
    }
    return [{ secret: value, ...(kid === undefined ? {} : { kid }) }];
  });
}
