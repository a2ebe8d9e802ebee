import { DEFAULT_PLANS } from '../../relay/access/index.ts';
import type { Plan } from '../../relay/access/index.ts';
import { configurationError, nearest, readSecret, readTomlFile, UNLIMITED } from '../../relay/config/index.ts';
import type { Given } from '../../relay/config/index.ts';
import type { ControlPlaneOptions, DatabaseChoice } from '../control-plane-options.ts';
import {
  CONTROL_KEYS,
  CONTROL_LIMIT_KEYS,
  CONTROL_SETTINGS,
  CONTROL_VARIABLE_PREFIX,
  controlVariable,
  PLAN_SETTING,
  planIn,
} from './control-settings.ts';
import type { ControlLogLevel, ControlSettings } from './control-settings.ts';

/** Where a configuration comes from. What is given last wins: the file, the environment, then `overrides`. */
export interface ControlConfigurationSources {
  /** A file in TOML; without it `SKYTALE_CONTROL_CONFIG` says which one is read, if any. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By key, as text: `control.listen_addr`. */
  readonly overrides?: Readonly<Record<string, string>>;
}

/** A configuration that can be used. */
export interface ControlConfiguration {
  /** All but the relay. */
  readonly options: Omit<ControlPlaneOptions, 'relay' | 'jwtSecrets'>;
  /** The secret that is shared with relays, if one is configured. */
  readonly jwtSecret: string | undefined;
  /** Relays in other processes. */
  readonly relayUrls: readonly string[];
  readonly logLevel: ControlLogLevel;
}

const CONFIG_VARIABLE = `${CONTROL_VARIABLE_PREFIX}CONFIG`;
const MIN_SECRET_BYTES = 32;

/**
 * Reads and checks the whole configuration of a control plane, and the files with secrets that it names.
 *
 * @throws {@link RuntimeError} `invalid_argument` with everything that is wrong, a line each. No secrets.
 */
export async function loadControlConfiguration(sources: ControlConfigurationSources): Promise<ControlConfiguration> {
  const { environment, overrides = {} } = sources;
  const path = sources.file ?? environment[CONFIG_VARIABLE] ?? '';
  const problems: string[] = [];
  const values = checked(
    [
      ...(path === '' ? [] : await readTomlFile(path)),
      ...fromEnvironment(environment),
      ...Object.entries(overrides).map(([key, value]) => ({ key, value, isText: true, source: key })),
    ],
    problems,
  );
  const get = <Key extends keyof ControlSettings>(key: Key): ControlSettings[Key] =>
    (values.get(key) ?? CONTROL_SETTINGS[key].fallback) as ControlSettings[Key];

  const jwtSecret = await secret(get, 'control.jwt_secret', problems);
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < MIN_SECRET_BYTES) {
    problems.push(`control.jwt_secret: expected a secret of at least ${MIN_SECRET_BYTES} bytes`);
  }
  const database = await databaseFrom(get, problems);
  const plans = plansFrom(values);
  if (!Object.hasOwn(plans, get('control.basic_plan'))) {
    problems.push(`control.basic_plan: expected one of the plans (${Object.keys(plans).join(', ')})`);
  }
  if (problems.length > 0) throw configurationError(problems);

  const { host, port } = get('control.listen_addr');
  const [publicUrl, audience] = [get('control.public_url'), get('control.audience')];
  return {
    options: {
      host,
      port,
      database,
      issuer: get('control.issuer'),
      keyMode: get('control.key_mode'),
      basicPlan: get('control.basic_plan'),
      plans,
      trustedProxies: get('control.trusted_proxies'),
      limits: limitsFrom(values),
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(audience === undefined ? {} : { audience }),
    },
    jwtSecret,
    relayUrls: get('relay.urls'),
    logLevel: get('log.level'),
  };
}

type Get = <Key extends keyof ControlSettings>(key: Key) => ControlSettings[Key];
type Values = ReadonlyMap<string, unknown>;

/** Everything is checked, also what something later overrides. */
function checked(given: readonly Given[], problems: string[]): Values {
  const values = new Map<string, unknown>();
  for (const { key, value, isText, source } of given) {
    const setting = planIn(key) === undefined ? CONTROL_KEYS.get(key) : PLAN_SETTING;
    if (setting === undefined) {
      const meant = nearest(key, [...CONTROL_KEYS.keys(), ...[...CONTROL_KEYS.keys()].map(controlVariable)]);
      problems.push(`${key} (${source}): no such setting${meant === undefined ? '' : `; did you mean ${meant}?`}`);
      continue;
    }
    const good = setting.check(isText && typeof value === 'string' ? setting.fromText(value) : value);
    if (good !== undefined) values.set(key, good);
    else {
      const got = setting.isSecret ? '' : `, got ${JSON.stringify(value)}`;
      problems.push(`${key} (${source}): expected ${setting.expected}${got}`);
    }
  }
  return values;
}

/** An empty variable says nothing: that is how compose files leave one out. */
function fromEnvironment(environment: ControlConfigurationSources['environment']): Given[] {
  const keys = new Map([...CONTROL_KEYS.keys()].map((key) => [controlVariable(key), key]));
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith(CONTROL_VARIABLE_PREFIX) || name === CONFIG_VARIABLE) return [];
    if (value === undefined || value === '') return [];
    return [{ key: keys.get(name) ?? name, value, isText: true, source: name }];
  });
}

/** A secret that may stand in the configuration or in a file that it names, but not in both. */
async function secret(
  get: Get,
  key: 'control.jwt_secret' | 'database.url',
  problems: string[],
): Promise<string | undefined> {
  const [value, path] = [get(key), get(`${key}_file`)];
  if (value !== undefined && path !== undefined) problems.push(`${key} and ${key}_file: expected one of them`);
  return path === undefined ? value : readSecret(`${key}_file`, path, problems);
}

async function databaseFrom(get: Get, problems: string[]): Promise<DatabaseChoice> {
  const url = await secret(get, 'database.url', problems);
  if (url === undefined) return { kind: 'sqlite', path: get('database.path') };
  if (!/^postgres(?:ql)?:\/\//.test(url))
    problems.push(`database.url: expected ${CONTROL_SETTINGS['database.url'].expected}`);
  return { kind: 'postgres', url, maxConnections: get('database.max_connections') };
}

/** Each plan that is configured takes the place of one with its name, the others stay. */
function plansFrom(values: Values): Readonly<Record<string, Plan>> {
  const configured = [...values].flatMap(([key, messages]): [string, Plan][] => {
    const plan = planIn(key);
    if (plan === undefined) return [];
    return [[plan, messages === UNLIMITED ? {} : { messagesPerMonth: messages as number }]];
  });
  return { ...DEFAULT_PLANS, ...Object.fromEntries(configured) };
}

function limitsFrom(values: Values): NonNullable<ControlPlaneOptions['limits']> {
  return Object.fromEntries(
    [...CONTROL_LIMIT_KEYS].flatMap(([key, name]) => (values.has(key) ? [[name, values.get(key)]] : [])),
  );
}
