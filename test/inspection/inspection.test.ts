import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject, tap } from 'rxjs';
import { expect, it } from 'vitest';
import {
  attachInspection,
  createSystem,
  defineActor,
  INSPECTION_SOCKET,
  type InspectionFrame,
  type InspectionNode,
  serveInspection,
} from '../../src/index.ts';
import { bytes, channelOf, next, Recorder, Swarm, textOf } from '../support/swarm.ts';

type FrameOf<Kind extends InspectionFrame['frame']> = Extract<InspectionFrame, { frame: Kind }>;

/** What a reader that follows the format shows: nodes by path. */
class View {
  readonly frames: InspectionFrame[] = [];
  readonly nodes = new Map<string, InspectionNode>();

  take(frame: InspectionFrame): void {
    this.frames.push(frame);
    if (frame.frame === 'snapshot') this.nodes.clear();
    if (frame.frame === 'snapshot' || frame.frame === 'changes') {
      for (const node of frame.nodes) this.nodes.set(node.path, node);
    }
    if (frame.frame === 'changes') for (const path of frame.gone) this.nodes.delete(path);
  }

  events(): FrameOf<'event'>[] {
    return this.frames.filter((frame) => frame.frame === 'event');
  }
}

async function directory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'skytale-inspect-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

it('shows actors and channels of an agent to a reader that comes late, first all and then what changes', async () => {
  await using swarm = await Swarm.create();
  await using system = createSystem({ onCrash: () => undefined });
  const worker = system.spawn(
    defineActor<string, string>((inbox$) =>
      inbox$.pipe(
        tap((text) => {
          if (text === 'bad') throw new TypeError(`cannot read ${text} of the secret plan`);
        }),
      ),
    ),
    { id: 'worker', backoff: { minMs: 1, maxMs: 1 }, mailbox: { poisonAfter: 1 } },
  );
  const options = { inspect: { systems: [system], intervalMs: 100 } };
  const founder = await swarm.agent('alice', options).createChannel('acme/research/summarizer');
  const bob = await (async () => {
    const agent = swarm.agent('bob');
    const welcome = await founder.addMember(await agent.generateKeyPackage());
    return agent.joinChannel(founder.name, welcome);
  })();
  const heard = new Recorder(founder.channel$);
  await bob.send(bytes('the secret plan'));
  await heard.until(1);

  const socket = join(swarm.dataDir('alice'), INSPECTION_SOCKET);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  const view = new View();
  const frames = new Recorder(attachInspection(socket).pipe(tap((frame) => view.take(frame))));
  await frames.until(2);
  expect(frames.values.slice(0, 2).map(({ frame }) => frame)).toEqual(['hello', 'snapshot']);
  expect(view.nodes.get('/actors/worker')).toMatchObject({ kind: 'actor', status: 'running', incarnation: 1 });
  expect(view.nodes.get('/agents/alice')).toMatchObject({ identity: 'alice', status: 'online', channels: 1 });
  const path = '/agents/alice/acme/research/summarizer';
  expect(view.nodes.get(path)).toMatchObject({ kind: 'channel', status: 'live', members: 2, epoch: '1', received: 1 });

  worker.tell('bad');
  await bob.send(bytes('more of the secret plan'));
  await frames.until(() => view.events().some(({ event }) => event.kind === 'crashed'));
  await frames.until(() => {
    const [actor, channel] = [view.nodes.get('/actors/worker'), view.nodes.get(path)];
    return actor?.kind === 'actor' && actor.incarnation === 2 && channel?.kind === 'channel' && channel.received === 2;
  });
  expect(view.nodes.get('/actors/worker')).toMatchObject({
    handled: 1,
    restartsLeft: 4,
    restartsMax: 5,
    lastFault: { kind: 'TypeError', code: null, text: null },
  });
  await worker.stop();
  await frames.until(() => !view.nodes.has('/actors/worker'));
  expect(JSON.stringify(view.frames)).not.toContain('secret plan');
});

it('tells of changes of the group and of faults as they happen, and ends with the agent', async () => {
  await using swarm = await Swarm.create();
  const alice = swarm.agent('alice', { inspect: true });
  const channel = await alice.createChannel('acme/research/summarizer');
  const view = new View();
  const frames = new Recorder(
    attachInspection(join(swarm.dataDir('alice'), INSPECTION_SOCKET)).pipe(tap((frame) => view.take(frame))),
  );
  await frames.until(2);
  await channel.addMember(await swarm.agent('bob').generateKeyPackage());
  channel.channel$.error(new Error('the secret plan'));
  await frames.until(() => view.events().some(({ event }) => event.kind === 'fault'));
  const kinds = view.events().map(({ event }) => event.kind);
  expect(kinds).toContain('status');
  expect(view.events().find(({ event }) => event.kind === 'epoch')?.event).toEqual({
    kind: 'epoch',
    epoch: '1',
    added: 1,
    removed: 0,
  });
  expect(view.events().at(-1)?.event).toEqual({
    kind: 'fault',
    fault: { kind: 'source-error', code: 'runtime_error', text: null },
  });
  expect(view.events().map(({ id }) => id)).toEqual(view.events().map((_, index) => index + 1));

  await alice.close();
  await frames.until(() => frames.isComplete);
  await expect(stat(join(swarm.dataDir('alice'), INSPECTION_SOCKET))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('drops what a reader does not take, tells it how much, and shows all anew', async () => {
  await using where = await directory();
  await using system = createSystem();
  const socket = join(where.path, 'feed.sock');
  await using server = await serveInspection({ socket, systems: [system] });
  const spawn = (id: string): void => {
    system.spawn(
      defineActor<string>(() => new Subject()),
      { id },
    );
  };
  const connection = connect(server.socket);
  await once(connection, 'connect');
  await once(connection, 'readable');
  connection.pause();
  // More than the socket, the reader's bound and the stream's buffers hold together.
  for (let batch = 0; batch < 100; batch += 1) {
    for (let index = 0; index < 50; index += 1) spawn(`a${batch}.${index}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const view = new View();
  let rest = '';
  connection.setEncoding('utf8');
  const isComplete = new Promise<void>((resolve) => {
    connection.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) view.take(JSON.parse(line) as InspectionFrame);
      if (view.frames.some(({ frame }) => frame === 'dropped') && view.nodes.size === 5_000) resolve();
    });
  });
  connection.resume();
  await isComplete;
  connection.destroy();

  const dropped = view.frames.findIndex(({ frame }) => frame === 'dropped');
  expect((view.frames[dropped] as FrameOf<'dropped'>).frames).toBeGreaterThan(256);
  expect(view.frames[dropped + 1]?.frame).toBe('snapshot');
});

it('takes the place of a dead process, and not of a living one or of a file', async () => {
  await using where = await directory();
  const socket = join(where.path, 'feed.sock');
  const first = await serveInspection({ socket });
  await expect(serveInspection({ socket })).rejects.toMatchObject({ code: 'runtime_error' });
  const frames = new Recorder(attachInspection(socket));
  await frames.until(1);
  await first.close();
  await frames.until(() => frames.isComplete);

  const file = join(where.path, 'file');
  await writeFile(file, 'mine');
  await expect(serveInspection({ socket: file })).rejects.toMatchObject({ code: 'invalid_argument' });
  const long = join(where.path, 'x'.repeat(100));
  await expect(serveInspection({ socket: long })).rejects.toMatchObject({ code: 'invalid_argument' });
});

it('refuses what is no feed, a newer one, and an empty place', async () => {
  await using where = await directory();
  const socket = join(where.path, 'feed.sock');
  const failure = async (greeting?: string): Promise<unknown> => {
    const server = createServer((peer) => peer.end(`${greeting ?? ''}\n`));
    if (greeting !== undefined) {
      server.listen(socket);
      await once(server, 'listening');
    }
    const code = await next(attachInspection(socket)).then(
      () => 'none',
      (error: unknown) => (error as { code?: string }).code,
    );
    server.close();
    return code;
  };
  expect(await failure()).toBe('connection_error');
  expect(await failure('GET / HTTP/1.1')).toBe('protocol_error');
  expect(await failure('{"frame":"snapshot","nodes":[]}')).toBe('protocol_error');
  expect(await failure('{"frame":"hello","format":"skytale-inspection","version":2}')).toBe('unsupported_version');
});

it('works without a feed where the socket cannot be made, and says so', async () => {
  await using swarm = await Swarm.create();
  const warnings: string[] = [];
  const alice = swarm.agent('alice', {
    inspect: { socket: `/nowhere/${'x'.repeat(100)}` },
    warn: (warning) => warnings.push(warning),
  });
  await alice.createChannel('acme/research/summarizer');
  expect(warnings).toEqual([expect.stringContaining('nobody can inspect this agent')]);
});

it('lets a reader with a signal go', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const heard = new Recorder(bob.channel$);
  await alice.send(bytes('hello'));
  await heard.until(1);
  expect(heard.values.map(textOf)).toEqual(['hello']);
  await using where = await directory();
  await using server = await serveInspection({ socket: join(where.path, 'feed.sock') });
  const stop = new AbortController();
  const frames = new Recorder(attachInspection(server.socket, { signal: stop.signal }));
  await frames.until(2);
  stop.abort();
  await frames.until(() => frames.isComplete);
});
