import { createRequire } from 'node:module';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { toSkytaleError } from '../../base/errors.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import type { CliContext } from '../context.ts';
import { credentialsPath, readCredentials } from '../credentials.ts';
import { type AgentSettings, type ApiSettings, configDirectory } from '../settings.ts';
import { failure, type Finding, ok, skipped, warning } from './finding.ts';

const OTHERS = 0o077;

/** Node, and the optional package that keeps an agent's state. */
export function checkRuntime(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 19);
  const node = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return [isNew ? ok('runtime', node) : failure('runtime', node, 'Install Node 20.19 or newer.'), checkStore()];
}

function checkStore(): Finding {
  try {
    createRequire(import.meta.url)('@keyv/sqlite');
    return ok('store', '@keyv/sqlite is there');
  } catch (error) {
    const { message } = toSkytaleError(error);
    return failure(
      'store',
      `the package @keyv/sqlite cannot be loaded (${message.split('\n')[0] ?? ''})`,
      'Run npm install @keyv/sqlite; it compiles a native module, for which it needs Python, make and a C++ compiler.',
    );
  }
}

/** The API key: there, of the right form, and not one of a test for production. */
export function checkKey(context: CliContext, { apiKey, apiUrl }: ApiSettings): Finding {
  if (apiKey === undefined) {
    return warning(
      'api-key',
      `no API key for ${apiUrl}`,
      'Set SKYTALE_API_KEY, or run "skytale signup". Without one, agents reach open relays only, and cannot invite or join by token.',
    );
  }
  if (!/^sk_(?:live|test)_[\x21-\x7e]+$/.test(apiKey)) {
    return failure(
      'api-key',
      'the API key has not the form of one',
      'It starts with sk_live_ or sk_test_ and has no spaces.',
    );
  }
  const kind = apiKey.slice(3, 7);
  const stored = readCredentials(configDirectory(context))?.apiKey;
  if (stored !== undefined && stored.slice(3, 7) !== kind) {
    return warning(
      'api-key',
      `SKYTALE_API_KEY is a ${kind} key, and the stored one is not`,
      'Do not mix test and production: unset one of them.',
    );
  }
  return ok(
    'api-key',
    `a ${kind} key ${stored === apiKey ? `from ${credentialsPath('~/.skytale')}` : 'from SKYTALE_API_KEY'}`,
  );
}

/** The directory with the agent's keys: on a disk that stays, and private. */
export function checkDataDirectory({ dataDir, identity }: AgentSettings): Finding {
  const stats = statSync(dataDir, { throwIfNoEntry: false });
  if (stats === undefined) return skipped('data-dir', `${identity} has no data directory yet: ${dataDir}`);
  if (isTemporary(dataDir)) {
    return warning(
      'data-dir',
      `${dataDir} is a temporary directory`,
      'It is lost with the next restart, and with it the membership in all channels: give --data-dir a directory that stays.',
    );
  }
  if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0) {
    return warning(
      'data-dir',
      `others can reach ${dataDir}`,
      `Run chmod 700 ${dataDir}; opening the agent does it, too.`,
    );
  }
  return ok('data-dir', dataDir);
}

function isTemporary(path: string): boolean {
  return [tmpdir(), '/tmp', '/var/tmp', '/dev/shm'].some((folder) => path.startsWith(`${folder}/`));
}

/** A channel's name. */
export function checkChannelName(name: string): Finding {
  try {
    parseChannelName(name);
    return ok('channel-name', name);
  } catch (error) {
    return failure(
      'channel-name',
      toSkytaleError(error).message,
      'Three parts of lower-case letters, digits and hyphens: acme/ops/log.',
    );
  }
}
