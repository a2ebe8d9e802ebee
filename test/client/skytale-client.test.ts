import { describe, expect, it } from 'vitest';
import {
  changeStateKey,
  ChannelError,
  createMemoryRelay,
  MlsError,
  parseChannelName,
  SkytaleClient,
  type SkytaleClientOptions,
  SkytaleError,
  StaticClient,
} from '../../src/index.ts';
import { bytes, CHANNEL, channelOf, invite, Swarm, text } from '../support/swarm.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A clock that is off by `ms`. */
const clockOff = (ms: number): { now(): number; schedule(delayMs: number, task: () => void): () => void } => ({
  now: () => Date.now() + ms,
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
});

describe('the documented flow', () => {
  it('creates a channel, adds a member by its key package, and sends', async () => {
    await using swarm = await Swarm.create();
    const alice = swarm.agent('alice');
    const bob = swarm.agent('bob');

    const channel = await alice.createChannel('myorg/team/general');
    const keyPackage = await bob.generateKeyPackage();
    const welcome = await channel.addMember(keyPackage);
    const bobChannel = await bob.joinChannel('myorg/team/general', welcome);
    await channel.send(bytes('Hello from Alice!'));
    await channel.send(bytes('Another message!'));

    const received: string[] = [];
    for await (const payload of bobChannel.messages()) {
      received.push(text(payload));
      if (received.length === 2) break;
    }
    expect(received).toEqual(['Hello from Alice!', 'Another message!']);
    expect(await bob.channels()).toEqual(['myorg/team/general']);
  });

  it('sends and adds members while messages are read', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    const heard: string[] = [];
    const listening = (async () => {
      for await (const payload of bob.messages()) {
        heard.push(text(payload));
        if (text(payload) === 'bye') return;
        await bob.send(bytes(`re: ${text(payload)}`));
      }
    })();

    await alice.send(bytes('one'));
    const carol = await invite(alice, swarm.agent('carol'));
    await alice.send(bytes('bye'));
    await listening;

    expect(heard).toEqual(['one', 'bye']);
    const atCarol: string[] = [];
    for await (const payload of carol.messages()) {
      atCarol.push(text(payload));
      if (text(payload) === 'bye') break;
    }
    expect(atCarol.at(-1)).toBe('bye');
  });

  it('goes by its earlier name as well', () => {
    expect(StaticClient).toBe(SkytaleClient);
  });
});

describe('messages()', () => {
  it('goes on behind the last message after a break, and ends when the channel is closed', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    for (const line of ['one', 'two', 'three']) await alice.send(bytes(line));

    const taken: string[] = [];
    for await (const payload of bob.messages()) {
      taken.push(text(payload));
      break;
    }
    const rest = bob.messages();
    expect(() => bob.messages()).toThrow('has a consumer already');
    taken.push(...(await Promise.all([rest.next(), rest.next()])).map(({ value }) => text(value as Uint8Array)));
    const waiting = rest.next();
    await bob.close();

    expect(taken).toEqual(['one', 'two', 'three']);
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await rest.next()).toEqual({ done: true, value: undefined });
  });

  it('hands out again after a crash what had not been asked to follow', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    for (const line of ['one', 'two', 'three']) await alice.send(bytes(line));
    const messages = bob.messages();
    await messages.next();
    await messages.next();
    // "one" is finished since the second call; that is on disk when a later message is.
    await alice.send(bytes('four'));
    await expect.poll(() => bob.channel$.state$.value.seq).toBe(5);
    await swarm.crashImage('bob', 'bob again');

    const again = await swarm.agent('bob', { dataDir: 'bob again' }).openChannel(CHANNEL);
    const handed: string[] = [];
    for await (const payload of again.messages()) {
      handed.push(text(payload));
      if (handed.length === 3) break;
    }
    expect(handed).toEqual(['two', 'three', 'four']);
  });
});

describe('channel names', () => {
  const tooLong = `${'a'.repeat(128)}/${'b'.repeat(100)}/${'c'.repeat(30)}`;
  it.each([
    'bad-name',
    'org/ns',
    'org/ns/svc/extra',
    '',
    '//',
    'org//svc',
    '/ns/svc',
    'org/ns/',
    'Org/ns/svc',
    'org/n_s/svc',
    'org/ns/s vc',
    'org/ns/svc\n',
    'örg/ns/svc',
    'org/ns/svc.',
    'org\\ns\\svc',
    tooLong,
  ])('refuses %j', async (name) => {
    await using swarm = await Swarm.create();
    const client = swarm.agent('alice');
    const error = await client.createChannel(name).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(ChannelError);
    expect(error).toMatchObject({ code: 'channel_error', httpStatus: 400 });
    expect((error as Error).message).toMatch(/^invalid channel name: .*\(expected org\/namespace\/service/s);
    await expect(client.joinChannel(name, new Uint8Array(1))).rejects.toMatchObject({ code: 'channel_error' });
    await expect(client.openChannel(name)).rejects.toMatchObject({ code: 'channel_error' });
  });

  it('says what the documentation says', async () => {
    await using swarm = await Swarm.create();
    await expect(swarm.agent('alice').createChannel('bad-name')).rejects.toThrow(
      /^invalid channel name: bad-name \(expected org\/namespace\/service\)$/,
    );
  });

  it.each(['acme/research/summarizer', 'company-x/dev/notifications', '1/2/3', 'a-b-c/0/z9'])(
    'takes %s',
    async (name) => {
      await using swarm = await Swarm.create();
      expect((await swarm.agent('alice').createChannel(name)).name).toBe(name);
    },
  );
});

describe('bad key packages', () => {
  it.each([
    ['nothing', () => new Uint8Array()],
    ['garbage', () => bytes('no key package')],
    ['a damaged one', (good: Uint8Array) => good.map((byte, index) => (index === 100 ? byte ^ 1 : byte))],
    ['a cut one', (good: Uint8Array) => good.slice(0, -1)],
    ['one with something behind it', (good: Uint8Array) => Uint8Array.of(...good, 0)],
  ])('refuses %s', async (_, spoil) => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const good = await swarm.agent('bob').generateKeyPackage();

    await expect(alice.addMember(spoil(good))).rejects.toMatchObject({
      name: 'MlsError',
      code: 'invalid_key_package',
      message: expect.stringMatching(/^MLS engine error: /) as string,
    });
    expect(alice.channel$.state$.value.epoch).toBe(0n);
    await alice.addMember(good);
  });

  it.each([
    ['expired', -40 * DAY_MS],
    ['not valid yet', 2 * DAY_MS],
  ])('refuses one that is %s', async (_, offMs) => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const keyPackage = await swarm.agent('bob', { clock: clockOff(offMs) }).generateKeyPackage();

    await expect(alice.addMember(keyPackage)).rejects.toMatchObject({ code: 'invalid_key_package' });
  });

  it('takes one from a clock that is half an hour ahead', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const bob = swarm.agent('bob', { clock: clockOff(30 * 60 * 1000) });

    await invite(alice, bob);
  });
});

describe('bad Welcomes', () => {
  it('refuses garbage, and one that is for another client', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const welcome = await alice.addMember(await swarm.agent('bob').generateKeyPackage());
    const carol = swarm.agent('carol');
    await carol.generateKeyPackage();

    for (const bad of [new Uint8Array(), bytes('garbage'), welcome.slice(0, 50), welcome]) {
      const error = await carol.joinChannel(CHANNEL, bad).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MlsError);
      expect(error).toMatchObject({ code: 'invalid_welcome' });
    }
    expect(await carol.channels()).toEqual([]);
  });

  it('refuses one that is for a channel of another name, and keeps it good for the right one', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const bob = swarm.agent('bob');
    const welcome = await alice.addMember(await bob.generateKeyPackage());

    await expect(bob.joinChannel('acme/research/other', welcome)).rejects.toMatchObject({
      code: 'invalid_welcome',
      message: expect.stringContaining('acme/research/other') as string,
    });
    await bob.joinChannel(CHANNEL, welcome);
  });

  it('refuses one that was used', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const bob = swarm.agent('bob');
    const welcome = await alice.addMember(await bob.generateKeyPackage());
    await bob.joinChannel(CHANNEL, welcome);

    await expect(bob.joinChannel(CHANNEL, welcome)).rejects.toMatchObject({ code: 'invalid_welcome' });
  });
});

describe('the data directory', () => {
  it('is encrypted under a state key, and refuses another', async () => {
    await using swarm = await Swarm.create();
    const stateKey = new Uint8Array(32).fill(7);
    const first = swarm.agent('alice', { stateKey });
    await first.createChannel(CHANNEL);
    await first.close();

    const wrong = swarm.agent('alice', { stateKey: { passphrase: 'open sesame' } });
    await expect(wrong.channels()).rejects.toMatchObject({ code: 'state_key_wrong' });
    await wrong.close();
    await changeStateKey(swarm.dataDir('alice'), { from: stateKey, to: { passphrase: 'open sesame' } });
    const second = swarm.agent('alice', { stateKey: { passphrase: 'open sesame' } });
    expect(await second.channels()).toEqual([CHANNEL]);
  });

  it('has its state key checked at the call', () => {
    const withKey = (options: SkytaleClientOptions): SkytaleClient =>
      new SkytaleClient('http://127.0.0.1:1', '/nowhere', bytes('alice'), options);
    const wrong = (code: string): unknown => expect.objectContaining({ code });
    expect(() => withKey({ stateKey: new Uint8Array(31) })).toThrow(wrong('invalid_argument'));
    expect(() => withKey({ stateKeyFile: '/nowhere/state.key' })).toThrow(wrong('state_key_wrong'));
  });

  it('refuses a second agent, and is free again when the first has closed', async () => {
    await using swarm = await Swarm.create();
    const first = swarm.agent('alice');
    await first.ready;
    const second = swarm.agent('alice');

    await expect(second.ready).rejects.toMatchObject({
      code: 'data_dir_in_use',
      message: expect.stringContaining(String(process.pid)) as string,
    });
    await expect(second.createChannel(CHANNEL)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await first.createChannel(CHANNEL);
    await first.close();
    expect(await swarm.agent('alice').channels()).toEqual([CHANNEL]);
  });

  it('refuses an agent with another identity', async () => {
    await using swarm = await Swarm.create();
    await swarm.agent('alice').close();
    const mallory = swarm.agent('mallory', { dataDir: 'alice' });

    await expect(mallory.ready).rejects.toMatchObject({ code: 'data_dir_foreign' });
  });

  it('opens channels where the last run had ended, and no others', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    await alice.send(bytes('one'));
    await bob.close();
    await swarm.crashImage('bob', 'bob again');
    const again = swarm.agent('bob', { dataDir: 'bob again' });

    const channel = await again.openChannel(CHANNEL);
    expect(await again.openChannel(CHANNEL)).toMatchObject({ channel$: channel.channel$ });
    for await (const payload of channel.messages()) {
      expect(text(payload)).toBe('one');
      break;
    }
    await expect(again.openChannel('acme/research/other')).rejects.toMatchObject({ code: 'not_found' });
    await expect(again.createChannel(CHANNEL)).rejects.toMatchObject({ code: 'channel_exists' });
  });
});

describe('options of the engine', () => {
  it.each([
    'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
    'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
    'MLS_256_XWING_AES256GCM_SHA512_Ed25519',
  ] as const)('makes and joins channels of %s', async (cipherSuite) => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice', { cipherSuite }).createChannel(CHANNEL);
    const bob = await invite(alice, swarm.agent('bob', { cipherSuite }));
    await alice.send(bytes('hello'));

    for await (const payload of bob.messages()) {
      expect(text(payload)).toBe('hello');
      break;
    }
  });

  it('refuses a key package of another suite, naming both', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const bob = swarm.agent('bob', { cipherSuite: 'MLS_256_XWING_AES256GCM_SHA512_Ed25519' });

    await expect(alice.addMember(await bob.generateKeyPackage())).rejects.toMatchObject({
      code: 'invalid_key_package',
      message: expect.stringMatching(/XWING.*X25519|X25519.*XWING/s) as string,
    });
  });

  it('asks the policy before it adds somebody', async () => {
    await using swarm = await Swarm.create();
    const asked: string[] = [];
    const alice = await swarm
      .agent('alice', {
        acceptMember: ({ identity }) => {
          asked.push(text(identity));
          return text(identity) !== 'mallory';
        },
      })
      .createChannel(CHANNEL);

    await invite(alice, swarm.agent('bob'));
    await expect(invite(alice, swarm.agent('mallory'))).rejects.toMatchObject({ code: 'mls_error' });
    expect(asked).toEqual(['bob', 'mallory']);
    expect(alice.channel$.state$.value.members).toHaveLength(2);
  });

  it('hides sizes in buckets unless told otherwise', async () => {
    const sizeOf = async (padding: 'buckets' | 'none', payload: Uint8Array): Promise<number> => {
      await using swarm = await Swarm.create();
      const alice = await swarm.agent('alice', { padding }).createChannel(CHANNEL);
      await alice.send(payload);
      return swarm.relay.entries(parseChannelName(CHANNEL)).at(-1)?.payload.length ?? 0;
    };
    expect(await sizeOf('buckets', new Uint8Array(1))).toBe(await sizeOf('buckets', new Uint8Array(200)));
    expect(await sizeOf('none', new Uint8Array(200))).toBeGreaterThan(await sizeOf('none', new Uint8Array(1)));
  });
});

describe('arguments', () => {
  const transport = createMemoryRelay().connect();
  it.each([
    ['an endpoint that is no URL', () => new SkytaleClient('relay:5000', '/tmp/x', bytes('a')), 'invalid_argument'],
    ['an unknown scheme', () => new SkytaleClient('ftp://relay', '/tmp/x', bytes('a')), 'invalid_argument'],
    ['no identity', () => new SkytaleClient('', '/tmp/x', bytes(''), { transport }), 'invalid_argument'],
    ['a long identity', () => new SkytaleClient('', '/tmp/x', new Uint8Array(1025), { transport }), 'invalid_argument'],
    ['a text as identity', () => new SkytaleClient('', '/x', 'alice' as never, { transport }), 'invalid_argument'],
    ['no data directory', () => new SkytaleClient('', '', bytes('a'), { transport }), 'invalid_argument'],
    [
      'a key without the address of the API',
      () => new SkytaleClient('http://127.0.0.1:1', '/x', bytes('a'), { apiKey: 'sk_test_1' }),
      'invalid_argument',
    ],
    [
      'a key that is none',
      () => new SkytaleClient('http://127.0.0.1:1', '/x', bytes('a'), { apiKey: 'x', apiUrl: 'http://127.0.0.1:1' }),
      'auth_key_invalid',
    ],
  ])('refuses %s at the door', (_, make, code) => {
    expect(make).toThrow(SkytaleError);
    expect(make).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('refuses a payload that is no bytes', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    await expect(alice.send('text' as never)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(() => alice.channel$.next('text' as never)).toThrow('Expected `payload` to be a Uint8Array');
  });

  it('refuses everything after close()', async () => {
    await using swarm = await Swarm.create();
    const client = swarm.agent('alice');
    await client.close();
    await expect(client.createChannel(CHANNEL)).rejects.toMatchObject({ code: 'channel_closed' });
    await expect(client.generateKeyPackage()).rejects.toMatchObject({ code: 'channel_closed' });
  });
});
