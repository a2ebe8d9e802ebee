import { address, choice, integer, quota, text, UNLIMITED, webAddress } from '../../relay/config/index.ts';
import type { ListenAddress, Setting } from '../../relay/config/index.ts';
import type { KeyMode } from '../keys/api-key.ts';
import { DEFAULT_CONTROL_LIMITS } from '../limits.ts';
import type { ControlLimits } from '../limits.ts';

/** How much is logged, from everything to nothing. */
export type ControlLogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Settings with one value each, under the keys of the configuration file. docs/control.md says what each is for. */
export interface ControlSettings {
  readonly 'control.listen_addr': ListenAddress;
  readonly 'control.public_url': string | undefined;
  readonly 'control.trusted_proxies': readonly string[];
  readonly 'control.jwt_secret': string | undefined;
  readonly 'control.jwt_secret_file': string | undefined;
  readonly 'control.issuer': string;
  readonly 'control.audience': string | undefined;
  readonly 'control.key_mode': KeyMode;
  readonly 'control.basic_plan': string;
  readonly 'database.path': string;
  readonly 'database.url': string | undefined;
  readonly 'database.url_file': string | undefined;
  readonly 'database.max_connections': number;
  readonly 'relay.urls': readonly string[];
  readonly 'log.level': ControlLogLevel;
}

const LOG_LEVELS: readonly ControlLogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Words with commas between them where there is only text. */
function words(expected: string): Setting<readonly string[]> {
  return {
    expected,
    fallback: [],
    isSecret: false,
    fromText: (value) => value.split(',').map((item) => item.trim()),
    check: (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '') ? value : undefined,
    toFile: (value) => value,
  };
}

/** All settings with one value, but the limits. */
export const CONTROL_SETTINGS: { readonly [Key in keyof ControlSettings]: Setting<ControlSettings[Key]> } = {
  'control.listen_addr': address<ListenAddress>({ host: '127.0.0.1', port: 8080 }),
  'control.public_url': webAddress(),
  'control.trusted_proxies': words('a list of addresses or networks such as "10.0.0.0/8"'),
  'control.jwt_secret': text(undefined, 'a secret of at least 32 bytes', true),
  'control.jwt_secret_file': text(undefined, 'a file'),
  'control.issuer': text('skytale-api'),
  'control.audience': text(undefined),
  'control.key_mode': choice<KeyMode>('live', ['live', 'test']),
  'control.basic_plan': text('free', 'the name of a plan'),
  'database.path': text('./data/control.db', 'a file'),
  'database.url': text(undefined, 'an address that starts with postgres://', true),
  'database.url_file': text(undefined, 'a file'),
  'database.max_connections': integer(10, 1, 1000),
  'relay.urls': words('a list of addresses such as "http://10.0.0.5:8443"'),
  'log.level': choice<ControlLogLevel>('info', LOG_LEVELS),
};

/** The key of a limit: `limits.max_body_bytes`. */
function limitKey(name: string): string {
  return `limits.${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/** The limits by their keys. */
export const CONTROL_LIMIT_KEYS: ReadonlyMap<string, keyof ControlLimits> = new Map(
  (Object.keys(DEFAULT_CONTROL_LIMITS) as (keyof ControlLimits)[]).map((name) => [limitKey(name), name]),
);

const PLAN_KEY = /^plans\.(.+)\.messages_per_month$/;

/** The plan that a key is about: that of `plans.pro.messages_per_month` is `pro`. */
export function planIn(key: string): string | undefined {
  return PLAN_KEY.exec(key)?.[1];
}

/** Messages that a plan allows in a month. */
export const PLAN_SETTING: Setting<number | typeof UNLIMITED> = quota(0);

/** Every key that has one value, limits included. */
export const CONTROL_KEYS: ReadonlyMap<string, Setting<unknown>> = new Map<string, Setting<unknown>>([
  ...(Object.entries(CONTROL_SETTINGS) as [string, Setting<unknown>][]),
  ...[...CONTROL_LIMIT_KEYS].map(
    ([key, name]) => [key, integer(DEFAULT_CONTROL_LIMITS[name], 1) as Setting<unknown>] as const,
  ),
]);

/** What all variables of the control plane begin with. */
export const CONTROL_VARIABLE_PREFIX = 'SKYTALE_CONTROL_';

/** The variable of the environment for a key; `control.` is not part of it: `SKYTALE_CONTROL_JWT_SECRET`. */
export function controlVariable(key: string): string {
  return `${CONTROL_VARIABLE_PREFIX}${key
    .replace(/^control\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
