import { RuntimeError } from '../../base/errors.ts';
import type { Given } from './given.ts';
import { nearest } from './nearest.ts';
import { findSetting, KEYS, LIMIT_KEYS, NAMED_SETTINGS, nameIn, VARIABLE_PREFIX } from './settings.ts';
import type { NamedSettings, SingleSettings } from './settings.ts';
import { VARIABLES } from './sources.ts';
import type { RelayLimits } from '../limits.ts';

/** The settings that hold, checked one by one. */
export interface Settings {
  /** The value of a key. */
  get<Key extends keyof SingleSettings>(key: Key): SingleSettings[Key];
  /** The value of any key: of a limit, or of one with a name in it. */
  valueOf(key: string): unknown;
  /** The limits that somebody has set. */
  limits(): Partial<RelayLimits>;
  /** The values under names, by name. */
  named<Pattern extends keyof NamedSettings>(pattern: Pattern): ReadonlyMap<string, NamedSettings[Pattern]>;
  /** Who has set a key; `undefined` if nobody has. */
  sourceOf(key: string): string | undefined;
  /** All that somebody has set. */
  keys(): readonly string[];
}

/**
 * Puts together what was given; what comes later wins. Everything is checked, also what something later
 * overrides.
 *
 * @throws {@link RuntimeError} `invalid_argument` with all that is wrong, a line each: the key, who said it, what was expected.
 */
export function resolveSettings(given: readonly Given[]): Settings {
  const values = new Map<string, { readonly value: unknown; readonly source: string }>();
  const problems: string[] = [];
  for (const { key, value, isText, source } of given) {
    const setting = findSetting(key)?.setting;
    if (setting === undefined) {
      problems.push(unknownKey(key, source));
      continue;
    }
    const checked = setting.check(isText && typeof value === 'string' ? setting.fromText(value) : value);
    if (checked === undefined) {
      const got = setting.isSecret ? '' : `, got ${withoutCredentials(JSON.stringify(value))}`;
      problems.push(`${key} (${source}): expected ${setting.expected}${got}`);
    } else values.set(key, { value: checked, source });
  }
  if (problems.length > 0) throw configurationError(problems);

  return {
    get: <Key extends keyof SingleSettings>(key: Key) =>
      (values.get(key)?.value ?? KEYS.get(key)?.fallback) as SingleSettings[Key],
    valueOf: (key) => values.get(key)?.value ?? KEYS.get(key)?.fallback,
    limits: () =>
      Object.fromEntries(
        [...LIMIT_KEYS].flatMap(([key, name]) => (values.has(key) ? [[name, values.get(key)?.value]] : [])),
      ),
    named: <Pattern extends keyof NamedSettings>(pattern: Pattern) =>
      new Map(
        [...values].flatMap(([key, { value }]) => {
          const name = nameIn(pattern, key);
          return name === undefined ? [] : [[name, value as NamedSettings[Pattern]] as const];
        }),
      ),
    sourceOf: (key) => values.get(key)?.source,
    keys: () => [...values.keys()],
  };
}

/** The error for a configuration that cannot hold. */
export function configurationError(problems: readonly string[]): RuntimeError {
  const lines = problems.map((problem) => `\n  ${problem}`).join('');
  return new RuntimeError('invalid_argument', `the configuration cannot be used:${lines}`);
}

/** Addresses may carry a user and a password. */
function withoutCredentials(shown: string): string {
  return shown.replaceAll(/\/\/[^/@\s"]*@/g, '//…@');
}

function unknownKey(key: string, source: string): string {
  const isVariable = key.startsWith(VARIABLE_PREFIX);
  const meant = nearest(key, isVariable ? VARIABLES : [...KEYS.keys(), ...Object.keys(NAMED_SETTINGS)]);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return isVariable ? `${key}: no such setting${hint}` : `${key} (${source}): no such setting${hint}`;
}
