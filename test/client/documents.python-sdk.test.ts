import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ChannelError,
  MlsError,
  RuntimeError,
  SkytaleClient,
  StaticClient,
  type ClientChannel,
} from '../../src/index.ts';
import { startTestRelay } from '../relay/support/relay.ts';
import { unsignedJwt } from '../transport/support/jwt.ts';
import { startHttpApi } from '../support/http-api.ts';
import { bytes, invite, Recorder, Swarm, text } from '../support/swarm.ts';

// The Python SDK's reference, section by section, in the order of the document. Not here:
// - "The package includes a native Rust extension": there is none; cryptography is Node's own.
// - "All SDK methods raise RuntimeError": errors have classes and codes here (documents.errors.test.ts). The prefixes of their
//   messages are those of the document, and are tested below.
// - "runtime error: internal SDK error" covers misuse as well here: see RuntimeError in docs/errors.md.

const NAME = 'myorg/team/general';

/** Payloads as they come, until there are so many. */
async function listen(channel: ClientChannel, count: number): Promise<string[]> {
  const received: string[] = [];
  for await (const message of channel.messages()) {
    received.push(text(message));
    if (received.length === count) break;
  }
  return received;
}

it('full example: Alice creates a channel, Bob joins and listens, Alice sends; over a real relay', async () => {
  const relay = await startTestRelay();
  await using swarm = await Swarm.create();
  await using alice = new StaticClient(relay.endpoint, swarm.dataDir('alice'), bytes('alice'));
  const channel = await alice.createChannel(NAME);
  await using bob = new StaticClient(relay.endpoint, swarm.dataDir('bob'), bytes('bob'));
  const keyPackage = await bob.generateKeyPackage();
  const welcome = await channel.addMember(keyPackage);
  const bobChannel = await bob.joinChannel(NAME, welcome);
  const listening = listen(bobChannel, 2);
  await channel.send(bytes('Hello from Alice!'));
  await channel.send(bytes('Another message!'));

  expect(await listening).toEqual(['Hello from Alice!', 'Another message!']);
});

describe('StaticClient', () => {
  it('is SkytaleClient under its earlier name', () => {
    expect(StaticClient).toBe(SkytaleClient);
  });

  it('data_dir: holds the state that an agent goes on with; without it the agent cannot read its channels', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    const bobs = swarm.agent('bob');
    await invite(alice, bobs);
    expect(existsSync(swarm.dataDir('bob'))).toBe(true);
    await bobs.close();
    await alice.send(bytes('while he was away'));

    const again = swarm.agent('bob');
    expect(await listen(await again.openChannel(NAME), 1)).toEqual(['while he was away']);
    const lost = swarm.agent('bob', { dataDir: 'an empty one' });
    await expect(lost.openChannel(NAME)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('identity: is bytes, and unique to the agent that has the directory', async () => {
    await using swarm = await Swarm.create();
    await swarm.agent('alice').close();
    await expect(swarm.agent('mallory', { dataDir: 'alice' }).ready).rejects.toMatchObject({
      code: 'data_dir_foreign',
    });
    expect(() => swarm.agent('')).toThrow(RuntimeError);
  });

  it('api_key: is exchanged for a token at creation, by POST /v1/tokens, without anybody asking', async () => {
    const iat = Math.floor(Date.now() / 1000);
    const token = unsignedJwt({ iat, exp: iat + 3600 });
    const keys: unknown[] = [];
    await using api = await startHttpApi((request, response) => {
      keys.push(request.headers.authorization);
      response.end(JSON.stringify({ token }));
    });
    await using swarm = await Swarm.create();
    const endpoint = 'http://127.0.0.1:1';
    const options = { apiKey: 'sk_test_1', apiUrl: api.url };
    await using client = new SkytaleClient(endpoint, swarm.dataDir('alice'), bytes('alice'), options);
    await client.ready;
    await expect.poll(() => api.requests).toEqual(['POST /v1/tokens']);
    expect(keys).toEqual(['Bearer sk_test_1']);
  });

  it('api_url: is required if api_key is set', () => {
    const make = (): SkytaleClient =>
      new SkytaleClient('http://127.0.0.1:1', '/x', bytes('a'), { apiKey: 'sk_test_1' });
    expect(make).toThrow('Expected `apiUrl` to be given with `apiKey`.');
  });
});

describe('create_channel', () => {
  it('makes the caller the first member, and returns the channel', async () => {
    await using swarm = await Swarm.create();
    const channel = await swarm.agent('alice').createChannel(NAME);
    expect(channel.name).toBe(NAME);
    expect(channel.channel$.state$.value.members.map(({ identity }) => text(identity))).toEqual(['alice']);
  });

  it('raises for a name that is none, with the sentence of the document', async () => {
    await using swarm = await Swarm.create();
    const error: unknown = await swarm
      .agent('alice')
      .createChannel('bad-name')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChannelError);
    expect(`Failed: ${(error as Error).message}`).toBe(
      'Failed: invalid channel name: bad-name (expected org/namespace/service)',
    );
  });
});

it('generate_key_package: returns bytes, another one each time', async () => {
  await using swarm = await Swarm.create();
  const bob = swarm.agent('bob');
  const [one, two] = [await bob.generateKeyPackage(), await bob.generateKeyPackage()];
  expect(one).toBeInstanceOf(Uint8Array);
  expect(Buffer.compare(one, two)).not.toBe(0);
});

describe('join_channel', () => {
  it('needs the name of the channel that the Welcome is for', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    const bob = swarm.agent('bob');
    const welcome = await alice.addMember(await bob.generateKeyPackage());
    await expect(bob.joinChannel('myorg/team/other', welcome)).rejects.toMatchObject({ code: 'invalid_welcome' });
    expect((await bob.joinChannel(NAME, welcome)).name).toBe(NAME);
  });

  it('raises for a Welcome that is none', async () => {
    await using swarm = await Swarm.create();
    const joining = swarm.agent('bob').joinChannel(NAME, bytes('no Welcome'));
    await expect(joining).rejects.toThrow(MlsError);
    await expect(joining).rejects.toThrow(/^MLS engine error: /);
  });
});

describe('Channel', () => {
  it('supports sending and adding members while messages are iterated', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    const bob = await invite(alice, swarm.agent('bob'));
    const heard = listen(alice, 2);
    const alsoHeard = listen(bob, 1);
    await bob.send(bytes('from bob'));
    await alice.send(bytes('from alice'));
    const carol = await invite(alice, swarm.agent('carol'));
    await carol.send(bytes('from carol'));
    expect(await heard).toEqual(['from bob', 'from carol']);
    expect(await alsoHeard).toEqual(['from alice']);
  });

  it('add_member: returns the Welcome that the new member joins with, as bytes', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    expect(await alice.addMember(await swarm.agent('bob').generateKeyPackage())).toBeInstanceOf(Uint8Array);
    await expect(alice.addMember(bytes('no key package'))).rejects.toThrow(/^MLS engine error: /);
  });

  it('send: reaches all members, as the bytes that were sent', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    const [bob, carol] = [await invite(alice, swarm.agent('bob')), await invite(alice, swarm.agent('carol'))];
    const seen = [new Recorder(bob.channel$), new Recorder(carol.channel$)];
    const payload = Uint8Array.of(0, 255, 128);
    await alice.send(payload);
    for (const recorder of seen) expect((await recorder.until(1))[0]?.payload).toEqual(payload);
  });

  it('messages: blocks until a message arrives', async () => {
    await using swarm = await Swarm.create();
    const alice = await swarm.agent('alice').createChannel(NAME);
    const bob = await invite(alice, swarm.agent('bob'));
    const messages = bob.messages();
    let isHere = false;
    const first = messages.next().then((result) => {
      isHere = true;
      return result;
    });
    await alice.channel$.commit({ rotate: true });
    expect(isHere).toBe(false);
    await alice.send(bytes('now'));
    expect((await first).value).toEqual(bytes('now'));
    await messages.return?.();
  });
});
