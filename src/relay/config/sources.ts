import { RuntimeError } from '../../base/errors.ts';
import type { Given } from './given.ts';
import { findSetting, KEYS, VARIABLE_PREFIX, variableOf } from './settings.ts';

/** Names the configuration file where no flag does. */
export const CONFIG_VARIABLE: string = `${VARIABLE_PREFIX}CONFIG`;

/**
 * What Kubernetes and Docker put into the environment of every container beside a service named `skytale-relay…`:
 * `SKYTALE_RELAY_PORT=tcp://10.0.0.1:5000`, `SKYTALE_RELAY_SERVICE_HOST`, `SKYTALE_RELAY_PORT_5000_TCP_ADDR`.
 */
const OF_THE_ORCHESTRATOR = /(?:^|_)(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP)(?:_\w+)?)?)$/;

const KEY_OF_VARIABLE: ReadonlyMap<string, string> = new Map([...KEYS.keys()].map((key) => [variableOf(key), key]));

/** The names of all variables that the relay reads. */
export const VARIABLES: readonly string[] = [CONFIG_VARIABLE, ...KEY_OF_VARIABLE.keys()];

/** What the environment says. An empty variable says nothing: that is how compose files leave one out. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Given[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith(VARIABLE_PREFIX) || name === CONFIG_VARIABLE || value === undefined || value === '') return [];
    const key = KEY_OF_VARIABLE.get(name);
    if (key === undefined && OF_THE_ORCHESTRATOR.test(name.slice(VARIABLE_PREFIX.length))) return [];
    // A variable without a key is reported with all other mistakes, under its own name.
    return [{ key: key ?? name, value, isText: true, source: name }];
  });
}

/**
 * What `--set key=value` says.
 *
 * @throws {@link RuntimeError} `invalid_argument` if that is not its form, or for a secret.
 */
export function readAssignment(assignment: string): Given {
  const at = assignment.indexOf('=');
  const key = assignment.slice(0, at).trim();
  if (at < 1 || key === '') throw new RuntimeError('invalid_argument', 'Expected `--set` to have the form key=value.');
  if (findSetting(key)?.setting.isSecret === true) {
    throw new RuntimeError(
      'invalid_argument',
      `${key} is a secret: flags are seen by every user of the machine. Use a file, or the environment.`,
    );
  }
  return { key, value: assignment.slice(at + 1), isText: true, source: `--set ${key}` };
}
