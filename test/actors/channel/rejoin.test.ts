import { concat, NEVER, of } from 'rxjs';
import { expect, it } from 'vitest';
import { MessageIds } from '../../../src/actors/channel/message-id.ts';
import { rejoin } from '../../../src/actors/channel/rejoin.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { type PublishAnswer, TransportError } from '../../../src/index.ts';
import type { ChannelRecord } from '../../../src/mls/index.ts';

const refused = (reason: 'unavailable' | 'stale-epoch' | 'unauthorized', currentEpoch: bigint): PublishAnswer => ({
  kind: 'refused',
  reason,
  detail: 'scripted',
  currentEpoch,
});
const accepted: PublishAnswer = { kind: 'accepted', seq: 9, duplicate: false };

/** Asks a relay that answers as told, and then has the Welcome. Returns in which epochs was asked, and the outcome. */
async function ask(
  ...answers: readonly (PublishAnswer | Error)[]
): Promise<{ epochs: bigint[]; kind: string | undefined }> {
  const epochs: bigint[] = [];
  const script = [...answers];
  let deliver: (welcome: object) => void = () => undefined;
  const link = {
    events$: concat(of({ kind: 'online' }, { kind: 'caught-up', headSeq: 8 }), NEVER),
    grant: () => undefined,
    publish: ([submission]: { epoch: bigint }[]) => {
      epochs.push(submission?.epoch ?? -1n);
      const answer = script.shift() ?? accepted;
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer.kind === 'accepted') deliver({ payload: new Uint8Array(), commitSeq: 9 });
      return Promise.resolve([answer]);
    },
  };
  const ports = {
    transport: { open: () => link, awaitWelcome: () => new Promise((resolve) => (deliver = resolve)) },
    clock: { ...systemClock, schedule: (_: number, task: () => void) => systemClock.schedule(0, task) },
  };
  const record = { name: 'a/b/c', group: { groupId: new Uint8Array(8), epoch: 3n }, cursor: { afterSeq: 8 } };
  const outcome = await rejoin(
    { ports, ids: new MessageIds(new Uint8Array(32), systemRandom) } as never,
    {
      createKeyPackage: () => Promise.resolve({ ref: new Uint8Array(32) } as never),
      makeRequest: () => Promise.resolve(new Uint8Array()),
      join: () => Promise.resolve({} as never),
    },
    record as unknown as ChannelRecord,
    new AbortController().signal,
  );
  return { epochs, kind: outcome?.kind };
}

it('asks again in the same epoch when the relay could not store it, or no answer came', async () => {
  const lost = new TransportError('limit_exceeded', 'no room');
  expect(await ask(refused('unavailable', 0n), lost, accepted)).toEqual({ epochs: [3n, 3n, 3n], kind: 'rejoined' });
});

it('asks again in the epoch that the relay knows', async () => {
  expect(await ask(refused('stale-epoch', 12n), accepted)).toEqual({ epochs: [3n, 12n], kind: 'rejoined' });
});

it('gives up when the relay refuses for good', async () => {
  expect(await ask(refused('unauthorized', 0n))).toEqual({ epochs: [3n], kind: 'rejoin-failed' });
});
