import { expect, it } from 'vitest';
import {
  AuthError,
  type Channel,
  type ChannelFault,
  ChannelError,
  createMemoryRelay,
  MlsError,
  parseChannelName,
  QuotaExceededError,
  SkytaleChannelManager,
  SkytaleClient,
  SkytaleError,
  TransportError,
} from '../../src/index.ts';
import { groupTag, inspectMessage } from '../../src/mls/index.ts';
import { freePort } from '../support/free-port.ts';
import { always, startHttpApi } from '../support/http-api.ts';
import { introduce, ManagedSwarm } from '../support/managers.ts';
import { bytes, CHANNEL, channelOf, invite, isFault, next, reaches, Swarm } from '../support/swarm.ts';

// The documented errors, each of them caused by what the documentation says that it is caused by: class, code, status,
// link, and the words that its message begins with. What it says to do about it is done, and then the same call succeeds.

type Code = readonly [
  type: abstract new (...args: never[]) => SkytaleError,
  code: string,
  httpStatus: number | undefined,
  prefix: string,
];

/** Checks all that is documented of an error. */
function expectError(error: unknown, [type, code, httpStatus, prefix]: Code): void {
  expect(error).toBeInstanceOf(SkytaleError);
  expect(error).toBeInstanceOf(type);
  const { name, message, docUrl } = error as SkytaleError;
  expect({ name, code: (error as SkytaleError).code, httpStatus: (error as SkytaleError).httpStatus }).toEqual({
    name: type.name,
    code,
    httpStatus,
  });
  expect(message.startsWith(`${prefix} `)).toBe(true);
  expect(docUrl).toBe(`https://docs.skytale.sh/guides/error-handling#${code}`);
}

const errorOf = (task: Promise<unknown>): Promise<unknown> =>
  task.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
const thrownBy = (task: () => unknown): unknown => {
  try {
    return task();
  } catch (error) {
    return error;
  }
};
/** Somebody who may write to the log and is no member. */
async function publishAsStranger(swarm: Swarm, epoch: bigint, payload: Uint8Array): Promise<void> {
  const name = parseChannelName(CHANNEL);
  const group = groupTag(inspectMessage(swarm.relay.entries(name)[0]!.payload).groupId ?? new Uint8Array());
  const transport = swarm.relay.connect();
  const link = transport.open({ channel: name, group, start: { afterSeq: 0 }, credit: 1 });
  await link.publish([{ kind: 'message', epoch, payload, messageId: new Uint8Array(16).fill(7) }]);
  await transport.close();
}

it('AuthError auth_failed: the key is not accepted', async () => {
  await using swarm = await Swarm.create();
  await using api = await startHttpApi(always(401, { error: 'invalid or revoked api key' }));
  const client = swarm.agent('alice', { apiKey: 'sk_live_1', apiUrl: api.url });
  const error = await errorOf(client.createChannel(CHANNEL));
  expectError(error, [AuthError, 'auth_failed', 401, 'auth error:']);
  expect((error as Error).message).not.toContain('sk_live_1');
});

it('AuthError auth_key_invalid: the key has not the form of one', () => {
  const make = (apiKey: string): unknown =>
    thrownBy(() => new SkytaleChannelManager({ identity: 'a', dataDir: '/nowhere', apiKey }));
  expectError(make('pk_live_1'), [AuthError, 'auth_key_invalid', 401, 'auth error:']);
});

it('AuthError api_key_required: the operation needs a key', async () => {
  await using swarm = await ManagedSwarm.create();
  const { manager } = swarm.manager('alice');
  await manager.create(CHANNEL);
  expectError(await errorOf(manager.invite(CHANNEL)), [AuthError, 'api_key_required', undefined, 'auth error:']);
});

it('AuthError unauthorized: the account may not do this', async () => {
  await using swarm = await Swarm.create();
  const client = swarm.agent('alice', { transport: swarm.relay.connect('of alice') });
  const channel = await client.createChannel(CHANNEL);
  await channel.send(bytes('mine'));
  swarm.relay.expel(parseChannelName(CHANNEL), 'of alice');
  expectError(await errorOf(channel.send(bytes('still mine?'))), [AuthError, 'unauthorized', 403, 'auth error:']);
});

it('TransportError transport_error: the server is in trouble', async () => {
  await using swarm = await Swarm.create();
  await using api = await startHttpApi(always(418));
  const client = swarm.agent('alice', { apiKey: 'sk_live_1', apiUrl: api.url });
  expectError(await errorOf(client.createChannel(CHANNEL)), [
    TransportError,
    'transport_error',
    undefined,
    'transport error:',
  ]);
});

it('TransportError connection_error: nobody is there', async () => {
  await using swarm = await Swarm.create();
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const client = new SkytaleClient(endpoint, swarm.dataDir('alice'), bytes('alice'));
  const { channel$ } = await client.createChannel(CHANNEL);
  channel$.connect();
  const { cause } = await next(channel$.state$, ({ status }) => status === 'offline');
  await client.close();
  expectError(cause, [TransportError, 'connection_error', undefined, 'transport error:']);
});

it('TransportError join_timeout: no member is online; it is cured by having one, with the same token', async () => {
  await using owner = new SkytaleChannelManager({ identity: 'owner', mock: true });
  await using joiner = new SkytaleChannelManager({ identity: 'joiner', mock: true });
  await owner.create(CHANNEL);
  const token = await owner.invite(CHANNEL);
  await (await owner.channel$(CHANNEL)).stop();
  const error = await errorOf(joiner.joinWithToken(CHANNEL, token, { timeoutMs: 300 }));
  expectError(error, [TransportError, 'join_timeout', undefined, 'transport error:']);

  // The next call opens what was stopped.
  await owner.send(CHANNEL, 'here I am');
  await joiner.joinWithToken(CHANNEL, token);
});

it('TransportError listener_died: only for who does not want it to heal', async () => {
  await using swarm = await ManagedSwarm.create();
  const { manager } = swarm.manager('alice', { heal: false });
  await manager.create(CHANNEL);
  await reaches(await manager.channel$(CHANNEL), 'live');
  swarm.relay.interrupt();
  const error = await errorOf(manager.receive(CHANNEL, { timeoutMs: 10_000 }));
  expectError(error, [TransportError, 'listener_died', undefined, 'transport error:']);
  swarm.relay.restore();

  await manager.close();
  expect(await swarm.manager('alice').manager.receive(CHANNEL, { timeoutMs: 0 })).toEqual([]);
});

it('ChannelError channel_error: the name is none', async () => {
  await using swarm = await ManagedSwarm.create();
  const { manager } = swarm.manager('alice');
  const error = await errorOf(manager.create('just-a-name'));
  expectError(error, [ChannelError, 'channel_error', 400, 'invalid channel name:']);
  await manager.create('just/a/name');
});

it('ChannelError not_found: it is cured by making the channel', async () => {
  await using swarm = await ManagedSwarm.create();
  const { manager } = swarm.manager('alice');
  expectError(await errorOf(manager.send(CHANNEL, 'hello?')), [ChannelError, 'not_found', 404, 'channel error:']);
  await manager.create(CHANNEL);
  await manager.send(CHANNEL, 'hello!');
});

it('ChannelError bad_request: the only member cannot leave', async () => {
  await using swarm = await ManagedSwarm.create();
  const { manager } = swarm.manager('alice');
  await manager.create(CHANNEL);
  expectError(await errorOf(manager.leave(CHANNEL)), [ChannelError, 'bad_request', 400, 'channel error:']);
});

it('MlsError mls_error: the rules of the group are against it', async () => {
  await using swarm = await Swarm.create();
  const alice = await swarm.agent('alice', { acceptMember: () => false }).createChannel(CHANNEL);
  const error = await errorOf(invite(alice, swarm.agent('mallory')));
  expectError(error, [MlsError, 'mls_error', undefined, 'MLS engine error:']);
});

/** What a channel says of the next entry that it cannot read. */
async function unreadable({ faults$ }: Channel): Promise<Extract<ChannelFault, { kind: 'undecryptable' }>> {
  return next(faults$, isFault('undecryptable'));
}

it('MlsError decryption_failure: the message is damaged; those behind it are not lost', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await alice.send(bytes('one'));
  const genuine = swarm.relay.entries(parseChannelName(CHANNEL)).at(-1)!.payload;
  const fault = unreadable(bob.channel$);
  bob.channel$.connect();
  await publishAsStranger(
    swarm,
    1n,
    Uint8Array.from(genuine, (byte, at) => (at === genuine.length - 1 ? byte ^ 1 : byte)),
  );
  await alice.send(bytes('two'));
  expectError((await fault).error, [MlsError, 'decryption_failure', undefined, 'MLS engine error:']);
  await next(bob.channel$.state$, ({ seq }) => seq === 4);
});

it('MlsError invalid_welcome: the Welcome is damaged; a new one is good', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const bob = swarm.agent('bob');
  const welcome = await alice.addMember(await bob.generateKeyPackage());
  const error = await errorOf(bob.joinChannel(CHANNEL, welcome.slice(0, 50)));
  expectError(error, [MlsError, 'invalid_welcome', undefined, 'MLS engine error:']);
  await bob.joinChannel(CHANNEL, welcome);
});

it('MlsError epoch_mismatch: the message is of an epoch that is long over', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await alice.send(bytes('one'));
  const old = swarm.relay.entries(parseChannelName(CHANNEL)).at(-1)!.payload;
  for (let round = 0; round < 6; round += 1) await alice.channel$.commit({ rotate: true });
  const fault = unreadable(bob.channel$);
  bob.channel$.connect();
  await publishAsStranger(swarm, 7n, old);
  expectError((await fault).error, [MlsError, 'epoch_mismatch', undefined, 'MLS engine error:']);
});

it('QuotaExceededError quota_exceeded: the messages of the month are used up; reading goes on', async () => {
  await using swarm = await ManagedSwarm.create(createMemoryRelay({ messagesPerMonth: 1 }));
  const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
  await introduce(alice, bob);
  await alice.manager.send(CHANNEL, 'one');
  const error = await errorOf(alice.manager.send(CHANNEL, 'two'));
  expectError(error, [QuotaExceededError, 'quota_exceeded', 429, 'quota exceeded:']);
  await bob.manager.send(CHANNEL, 'mine');
  expect(await alice.manager.receive(CHANNEL)).toEqual(['mine']);
});
