import { cp, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type ChannelFault, type ClientChannel, SkytaleClient } from '../../src/index.ts';
import { startRelay } from '../../src/relay/index.ts';
import { bytes, isFault, Recorder, textOf } from '../support/swarm.ts';

const CHANNEL = 'acme/research/summarizer';
const PATIENCE_MS = 60_000;

/** Stands between a client and whichever relay it is to be shown: the client is told that this is the relay. */
class LyingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => {
      const relay = connect(this.#target, '127.0.0.1');
      for (const socket of [client, relay]) {
        this.#sockets.add(socket);
        socket.once('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          relay.destroy();
        });
        // What breaks here is told by the close.
        socket.on('error', () => socket.destroy());
      }
      client.pipe(relay).pipe(client);
    });
  }

  static async start(target: number): Promise<LyingProxy> {
    const proxy = new LyingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on the client is shown what this relay has. */
  show(target: number): void {
    this.#target = target;
    this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const authenticatorOf = ({ channel$ }: ClientChannel): string =>
  Buffer.from(channel$.state$.value.epochAuthenticator).toString('hex');

it('that shows a member another history is found out by the first message, and all come to one history again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-lying-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const [honest, copy] = [join(directory, 'relay'), join(directory, 'copy')];
  let relay = await startRelay({ dataDir: honest, port: 0 });
  const { port } = relay;
  const proxy = await LyingProxy.start(port);
  const agent = (name: string, endpoint: string): SkytaleClient =>
    new SkytaleClient(endpoint, join(directory, name), bytes(name));
  const alice = agent('alice', `http://127.0.0.1:${port}`);
  const carol = agent('carol', `http://127.0.0.1:${port}`);
  const bob = agent('bob', proxy.endpoint);
  const founded = await alice.createChannel(CHANNEL);
  const add = await Promise.all([bob, carol].map((client) => client.generateKeyPackage()));
  const { welcome } = await founded.channel$.commit({ add });
  const atBob = await bob.joinChannel(CHANNEL, welcome!);
  const atCarol = await carol.joinChannel(CHANNEL, welcome!);
  const [heard, others] = [new Recorder(atBob.channel$), new Recorder(atCarol.channel$)];
  await founded.send(bytes('together'));
  await Promise.all([heard.until(1), others.until(1)]);

  // The relay is copied while it is away, and bob is shown the copy.
  await relay.close();
  await cp(honest, copy, { recursive: true });
  relay = await startRelay({ dataDir: honest, port });
  const other = await startRelay({ dataDir: copy, port: 0 });
  proxy.show(other.port);
  await atBob.channel$.commit({ rotate: true });
  await founded.channel$.commit({ rotate: true });
  expect(atBob.channel$.state$.value.epoch).toBe(founded.channel$.state$.value.epoch);
  expect(authenticatorOf(atBob)).not.toBe(authenticatorOf(founded));

  const faults = new Recorder<ChannelFault>(atBob.channel$.faults$);
  proxy.show(port);
  await founded.send(bytes('to all'));
  await expect
    .poll(() => faults.values.filter(({ kind }) => kind === 'fork' || kind === 'gap').map(({ kind }) => kind), {
      timeout: PATIENCE_MS,
    })
    .toEqual(expect.arrayContaining(['fork', 'gap']));
  await expect.poll(() => authenticatorOf(atBob) === authenticatorOf(founded), { timeout: PATIENCE_MS }).toBe(true);
  await founded.send(bytes('together again'));
  await expect.poll(() => heard.values.map(textOf), { timeout: PATIENCE_MS }).toEqual(['together', 'together again']);
  await expect
    .poll(() => others.values.map(textOf), { timeout: PATIENCE_MS })
    .toEqual(['together', 'to all', 'together again']);
  expect(faults.values.filter(isFault('gap'))).toHaveLength(1);

  await Promise.all([alice, bob, carol].map((client) => client.close()));
  await proxy.close();
  await Promise.all([relay.close(), other.close()]);
}, 240_000);
