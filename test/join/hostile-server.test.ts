import { expect, it } from 'vitest';
import { parseChannelName } from '../../src/base/channel-name.ts';
import {
  type ChannelFault,
  ChannelError,
  type ClientChannel,
  type ControlPlane,
  type PendingJoin,
} from '../../src/index.ts';
import {
  createAgentKeys,
  createKeyPackage,
  createMlsEngine,
  deriveInviteKeys,
  inviteIdText,
  parseInviteToken,
  proveJoin,
  signInvite,
} from '../../src/mls/index.ts';
import { bytes, CHANNEL, isFault, Recorder, text } from '../support/swarm.ts';
import { epochOf, has, membersOf, tampered, until, Village, Watch } from './village.ts';

/** A control plane that shows the members what it likes, grants every claim, and believes nothing. */
class HostileServer {
  readonly controlPlane: ControlPlane;
  /** What it shows. */
  shown: PendingJoin[] = [];
  /** What it was told. */
  readonly denied: string[] = [];
  readonly admitted: string[] = [];

  constructor(honest: ControlPlane) {
    this.controlPlane = tampered(honest, {
      pending: () => Promise.resolve(this.shown),
      claim: (_, { ids } = {}) => Promise.resolve(this.shown.filter(({ id }) => ids === undefined || ids.includes(id))),
      deny: (id) => {
        this.denied.push(id);
        return Promise.reject(new ChannelError('bad_request', 'I do not care'));
      },
      admit: (id) => {
        this.admitted.push(id);
        return Promise.resolve();
      },
    });
  }
}

/** alice, who makes an invite, and the server that lies to her. */
async function aliceAnd(village: Village) {
  const honest = village.account('alice');
  const server = new HostileServer(honest);
  const alice = await village.founded('alice', { controlPlane: server.controlPlane });
  const { token } = await alice.invite({ maxUses: 10 });
  const faults = new Recorder(alice.channel$.faults$);
  return { alice, server, honest, token, faults };
}

/** bob's request as an honest server would show it. */
async function requestOf(village: Village, honest: ControlPlane, token: string): Promise<PendingJoin> {
  const watch = new Watch(village.agent('bob').join(CHANNEL, token));
  await watch.reaches('requested');
  const [request] = await honest.pending(parseChannelName(CHANNEL));
  if (request === undefined) throw new Error('there is no request');
  return request;
}

/** A key package that says that it is bob's, of somebody else. */
async function foreignKeyPackage(village: Village): Promise<Uint8Array> {
  const engine = await createMlsEngine();
  return (await createKeyPackage(engine, await createAgentKeys(engine, bytes('bob')), village.clock.now())).keyPackage;
}

/** Shows the requests, and waits until alice has refused each of them, and looked again since. */
async function refuses(
  village: Village,
  alice: ClientChannel,
  server: HostileServer,
  faults: Recorder<ChannelFault>,
  reason: string,
  ...requests: PendingJoin[]
): Promise<void> {
  const before = epochOf(alice);
  server.shown = requests;
  village.relay.announce(parseChannelName(CHANNEL), 'join-requests');
  const refusals = (await faults.until((values) => values.filter(isFault('join-refused')).length >= requests.length))
    .filter(isFault('join-refused'))
    .map(({ error }) => error.message);
  for (const refusal of refusals) expect(refusal).toContain(reason);
  expect([...new Set(server.denied)].sort()).toEqual(requests.map(({ id }) => id).sort());
  // It does not care, and shows them again.
  village.relay.announce(parseChannelName(CHANNEL), 'join-requests');
  await alice.send(bytes('still alone'));
  expect(membersOf(alice)).toEqual(['alice']);
  expect(epochOf(alice)).toBe(before);
  expect(faults.values.filter(isFault('join-refused'))).toHaveLength(requests.length);
  expect(server.admitted).toEqual([]);
}

it('cannot swap the key package of a request', async () => {
  await using village = await Village.create();
  const { alice, server, honest, token, faults } = await aliceAnd(village);
  const request = await requestOf(village, honest, token);
  const swapped = { ...request, keyPackage: await foreignKeyPackage(village) };
  await refuses(village, alice, server, faults, 'not made by a holder of the invite', swapped);
});

it('cannot invent a request, for a present invite or for one of its own', async () => {
  await using village = await Village.create();
  const { alice, server, honest, token, faults } = await aliceAnd(village);
  const request = await requestOf(village, honest, token);
  const keyPackage = await foreignKeyPackage(village);
  // All that the server knows of the invite is its id, the record, and the redeem key.
  const { id } = parseInviteToken(token);
  const own = deriveInviteKeys({ id, secret: new Uint8Array(32) });
  const channel = parseChannelName(CHANNEL);
  const claim = { channel, inviteId: id, identity: bytes('bob'), keyPackage };
  const proof = await proveJoin(own.privateKey, claim, village.clock.now());
  await refuses(village, alice, server, faults, 'not made by a holder of the invite', {
    ...request,
    keyPackage,
    proof,
  });
});

it('cannot forge the record of an invite', async () => {
  await using village = await Village.create();
  const { alice, server, honest, token, faults } = await aliceAnd(village);
  const request = await requestOf(village, honest, token);
  const engine = await createMlsEngine();
  // It has the group's id, which stands on every message, and makes itself alice as well as it can.
  const entry = village.relay.entries(parseChannelName(CHANNEL));
  expect(entry).toEqual([]);
  const groupId = groupIdIn(request.inviteRecord);
  const keys = await createAgentKeys(engine, bytes('alice'));
  const forged = { id: new Uint8Array(16).fill(7), secret: new Uint8Array(32).fill(7) };
  const { publicKey, privateKey } = deriveInviteKeys(forged);
  const channel = parseChannelName(CHANNEL);
  const inviteRecord = await signInvite(engine, keys, {
    channel,
    groupId,
    inviteId: forged.id,
    publicKey,
    approval: 'automatic',
    admit: 'members',
    maxUses: 10,
    expiresAtMs: Math.floor(village.clock.now()) + 3_600_000,
    issuer: bytes('alice'),
  });
  const keyPackage = await foreignKeyPackage(village);
  const claim = { channel, inviteId: forged.id, identity: bytes('bob'), keyPackage };
  const proof = await proveJoin(privateKey, claim, village.clock.now());
  const request2 = { ...request, inviteId: inviteIdText(forged.id), inviteRecord, keyPackage, proof };
  await refuses(village, alice, server, faults, 'not made by a member', request2);
});

it('cannot use an invite to another channel, or call one by the id of another', async () => {
  await using village = await Village.create();
  const { alice, server, honest, faults } = await aliceAnd(village);
  const other = parseChannelName('acme/research/elsewhere');
  const elsewhere = await village
    .agent('alice', { dataDir: 'alice elsewhere', controlPlane: honest })
    .createChannel(other);
  const { token } = await elsewhere.invite();
  const watch = new Watch(village.agent('bob').join(other, token));
  await watch.reaches('requested');
  const [request] = await honest.pending(other);
  if (request === undefined) throw new Error('there is no request');
  await refuses(village, alice, server, faults, 'its invite is for another channel', request);
});

it('cannot have anybody added twice on one request', async () => {
  await using village = await Village.create();
  const { alice, server, honest, token, faults } = await aliceAnd(village);
  const bob = village.agent('bob');
  const watch = new Watch(bob.join(CHANNEL, token));
  await watch.reaches('requested');
  const [request] = await honest.pending(parseChannelName(CHANNEL));
  if (request === undefined) throw new Error('there is no request');
  server.shown = [request];
  village.relay.announce(parseChannelName(CHANNEL), 'join-requests');
  await watch.end;
  await has(alice, 'alice', 'bob');
  await alice.removeMember(bytes('bob'));
  const before = epochOf(alice);

  // The same again, as it was and under another name, to the same process and to one that starts.
  const replayed = [
    { ...request, status: 'waiting' as const },
    { ...request, id: 'another name', status: 'waiting' as const },
  ];
  server.admitted.length = 0;
  server.shown = replayed;
  village.relay.announce(parseChannelName(CHANNEL), 'join-requests');
  await expect
    .poll(() => [...new Set(server.admitted)].sort(), { timeout: 10_000 })
    .toEqual(['another name', request.id].sort());
  expect(membersOf(alice)).toEqual(['alice']);
  expect(epochOf(alice)).toBe(before);

  await alice.close();
  await village.swarm.crashImage('alice', 'alice restarted');
  const again = new HostileServer(honest);
  again.shown = replayed;
  const restarted = await village
    .agent('alice', { dataDir: 'alice restarted', controlPlane: again.controlPlane })
    .openChannel(CHANNEL);
  const seen = new Recorder(restarted.channel$.joinRequests$);
  restarted.channel$.connect();
  await expect.poll(() => [...new Set(again.admitted)].length, { timeout: 10_000 }).toBe(2);
  expect(membersOf(restarted)).toEqual(['alice']);
  expect(epochOf(restarted)).toBe(before);
  expect(seen.values).toEqual([]);
  expect(faults.values.filter(isFault('join-refused'))).toEqual([]);
});

it('cannot show a member what happened before its time', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  const { token } = await alice.invite({ maxUses: 10 });
  const account = village.account('alice');
  const bob = village.agent('bob');
  const seenByServer = until(alice.channel$.epochChanges$, ({ added }) => added.length > 0);
  const watch = new Watch(bob.join(CHANNEL, token));
  await watch.reaches('requested');
  const [kept] = await account.pending(parseChannelName(CHANNEL));
  if (kept === undefined) throw new Error('there is no request');
  await watch.end;
  await seenByServer;
  await alice.removeMember(bytes('bob'));

  const server = new HostileServer(village.account('carol'));
  server.shown = [{ ...kept, status: 'waiting' }];
  const carol = await village.joined('carol', token, { controlPlane: server.controlPlane });
  village.relay.announce(parseChannelName(CHANNEL), 'join-requests');
  await has(carol, 'alice', 'carol');
  const before = epochOf(carol);
  const asked = village.clock.now() + 5_000;
  await expect.poll(() => village.clock.now(), { timeout: 10_000 }).toBeGreaterThan(asked);
  expect(membersOf(carol)).toEqual(['alice', 'carol']);
  expect(epochOf(carol)).toBe(before);
  // In the end somebody may be asked, who knows whether bob is to be there.
  const request = await until(carol.channel$.joinRequests$, () => true);
  expect(text(request.identity)).toBe('bob');
});

it('cannot use what somebody has signed who is no member any more', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  const { token } = await alice.invite();
  const carol = await village.joined('carol', token);
  const fromCarol = await carol.invite();
  await alice.removeMember(bytes('carol'));
  const faults = new Recorder(alice.channel$.faults$);
  const watch = new Watch(village.agent('dave').join(CHANNEL, fromCarol.token));
  expect(await watch.end).toMatchObject({ code: 'join_denied' });
  expect(await watch.complaint()).toContain('who has made its invite is no member any more');
  expect(faults.values.map(({ kind }) => kind)).toEqual(['join-refused']);
  expect(membersOf(alice)).toEqual(['alice']);
});

/** The group's id, which the control plane can read in the record of any invite. */
function groupIdIn(record: Uint8Array): Uint8Array {
  const prefix = Buffer.from(`${CHANNEL}\0`);
  const at = Buffer.from(record).indexOf(prefix);
  return record.slice(at, at + prefix.length + 16);
}
