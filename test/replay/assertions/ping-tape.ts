import { filter } from 'rxjs';
import { type Channel, text } from '../../../src/index.ts';
import {
  keepPayloads,
  MemorySink,
  readTape,
  record,
  type Tape,
  type TapeMode,
  World,
} from '../../../src/replay/index.ts';

const KEY = new Uint8Array(32).fill(7);
const CHANNEL = 'acme/research/summarizer';

/** Answers pings. */
export function answerPings(channel$: Channel, answer = 'pong'): void {
  const chat$ = channel$.as(text());
  chat$.pipe(filter(({ payload }) => payload === 'ping')).subscribe(() => chat$.next(answer));
}

/** Alice says ping, renews her keys and says done; bob, who answers pings, is recorded. */
export async function pingTape(
  agent: (channel$: Channel) => unknown = answerPings,
  mode: TapeMode = 'plaintext',
): Promise<Tape> {
  await using world = new World({ seed: 3, latencyMs: [5, 5] });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const { channel$ } = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  const sink = new MemorySink();
  const recording = await world.complete(
    record(channel$, sink, mode === 'wire' ? { mode, key: KEY } : { redact: keepPayloads }),
  );
  agent(channel$);
  await world.until(() => channel$.status$.value === 'live');
  await world.complete(founded.channel$.as(text()).send('ping'));
  await world.run(100);
  await world.complete(founded.channel$.commit({ rotate: true }));
  await world.complete(founded.channel$.as(text()).send('done'));
  await world.run(100);
  await world.complete(recording.stop());
  return await readTape({ text: sink.text }, KEY);
}
