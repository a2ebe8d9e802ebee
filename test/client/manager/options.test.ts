import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveManagerSettings } from '../../../src/client/manager/manager-options.ts';
import { SkytaleChannelManager, type SkytaleChannelManagerOptions } from '../../../src/index.ts';
import { introduce, ManagedSwarm } from '../../support/managers.ts';
import { bytes, CHANNEL } from '../../support/swarm.ts';

afterEach(() => vi.unstubAllEnvs());

describe('options and environment', () => {
  it('have the documented defaults', () => {
    expect(resolveManagerSettings({ identity: 'alice' }, {})).toEqual({
      identity: bytes('alice'),
      endpoint: 'https://relay.skytale.sh:5000',
      dataDir: join(homedir(), '.skytale', '616c696365'),
      apiKey: undefined,
      apiUrl: 'https://api.skytale.sh',
      mock: false,
    });
  });

  it('take each variable that is documented, and options before them', () => {
    const environment = {
      SKYTALE_IDENTITY: 'bob',
      SKYTALE_RELAY: 'http://127.0.0.1:5000',
      SKYTALE_API_URL: 'http://127.0.0.1:5001',
      SKYTALE_API_KEY: 'sk_test_1',
      SKYTALE_DATA_DIR: '~/agents/bob',
      SKYTALE_MOCK: 'yes',
    };
    const fromEnvironment = {
      identity: bytes('bob'),
      endpoint: 'http://127.0.0.1:5000',
      apiUrl: 'http://127.0.0.1:5001',
      apiKey: 'sk_test_1',
      dataDir: join(homedir(), 'agents/bob'),
      mock: true,
    };
    expect(resolveManagerSettings({}, environment)).toEqual(fromEnvironment);
    const options = {
      identity: Uint8Array.of(1, 2),
      endpoint: ['http://a:1', 'http://b:1'],
      apiUrl: 'http://c:1',
      apiKey: 'sk_live_2',
      dataDir: '/d',
      mock: false,
    };
    expect(resolveManagerSettings(options, environment)).toEqual(options);
  });

  it.each([
    ['1', true],
    ['true', true],
    ['YES', true],
    ['0', false],
    ['false', false],
    ['no', false],
    ['', false],
  ])('read SKYTALE_MOCK=%j as %s', (text, mock) => {
    expect(resolveManagerSettings({ identity: 'a' }, { SKYTALE_MOCK: text }).mock).toBe(mock);
  });

  it('give every identity a directory of its own, however long it is', () => {
    const dirOf = (identity: Uint8Array): string => resolveManagerSettings({ identity }, {}).dataDir ?? '';
    const long = new Uint8Array(1024);
    expect(dirOf(Uint8Array.of(0xff, 0x00))).toBe(join(homedir(), '.skytale', 'ff00'));
    expect(dirOf(long)).toMatch(/\/sha256-[0-9a-f]{64}$/);
    expect(dirOf(long)).not.toBe(dirOf(long.map((_, index) => index % 2)));
  });

  it.each<[string, SkytaleChannelManagerOptions, string]>([
    ['no identity', {}, 'invalid_argument'],
    ['an identity of no bytes', { identity: '' }, 'invalid_argument'],
    ['an identity that is no bytes', { identity: 7 as never }, 'invalid_argument'],
    ['a relay that is none', { identity: 'a', endpoint: 'relay' }, 'invalid_argument'],
    ['a key that is none', { identity: 'a', apiKey: 'pk_1' }, 'auth_key_invalid'],
    ['a buffer that holds nothing', { identity: 'a', receiveBuffer: { capacity: 0 } }, 'invalid_argument'],
    ['an overflow that is none', { identity: 'a', receiveBuffer: { overflow: 'drop' as never } }, 'invalid_argument'],
  ])('refuse %s at the door', async (_, options, code) => {
    const home = await mkdtemp(join(tmpdir(), 'skytale-options-'));
    expect(() => new SkytaleChannelManager({ dataDir: home, ...options })).toThrow(
      expect.objectContaining({ code }) as Error,
    );
    await rm(home, { recursive: true });
  });

  it('refuse a SKYTALE_MOCK that is neither yes nor no', () => {
    vi.stubEnv('SKYTALE_MOCK', 'maybe');
    expect(() => new SkytaleChannelManager({ identity: 'alice' })).toThrow('Expected SKYTALE_MOCK to be');
  });
});

describe('mock', () => {
  it('lets the managers of a process talk to each other without a network', async () => {
    vi.stubEnv('SKYTALE_MOCK', '1');
    await using alice = new SkytaleChannelManager({ identity: 'alice' });
    await using bob = new SkytaleChannelManager({ identity: 'bob', mock: true });
    await alice.create(CHANNEL);
    await bob.join(CHANNEL, await alice.addMember(CHANNEL, await bob.keyPackage()));
    await alice.send(CHANNEL, 'hello');
    expect(await bob.receive(CHANNEL)).toEqual(['hello']);
  });

  it('leaves nothing behind: no directory, no channel', async () => {
    const home = await mkdtemp(join(tmpdir(), 'skytale-mocks-'));
    vi.stubEnv('TMPDIR', home);
    const alice = new SkytaleChannelManager({ identity: 'alice', mock: true });
    await alice.create(CHANNEL);
    expect((await alice.send(CHANNEL, 'hello')).seq).toBe(1);
    expect(await readdir(home)).toHaveLength(1);
    await alice.close();
    expect(await readdir(home)).toEqual([]);

    // The same channel by the same agent, from the start: there is no network that would remember it.
    await using again = new SkytaleChannelManager({ identity: 'alice', mock: true });
    await again.create(CHANNEL);
    expect((await again.send(CHANNEL, 'hello')).seq).toBe(1);
    await again.close();
    await rm(home, { recursive: true });
  });

  it('keeps a directory that it was given', async () => {
    await using swarm = await ManagedSwarm.create();
    const dataDir = swarm.dataDir('alice');
    const alice = new SkytaleChannelManager({ identity: 'alice', mock: true, dataDir });
    await alice.create(CHANNEL);
    await alice.close();
    expect(existsSync(dataDir)).toBe(true);
  });
});

describe('other options', () => {
  it('are those of the low-level client', async () => {
    await using swarm = await ManagedSwarm.create();
    const asked: string[] = [];
    const acceptMember = ({ identity }: { identity: Uint8Array }): boolean => {
      asked.push(new TextDecoder().decode(identity));
      return true;
    };
    await introduce(swarm.manager('alice', { acceptMember }), swarm.manager('bob'));
    expect(asked).toEqual(['bob']);
  });
});
