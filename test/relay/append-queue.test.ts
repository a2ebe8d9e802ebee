import { describe, expect, test } from 'vitest';
import type { AppendOutcome, AppendRequest } from '../../src/relay/engine/log-engine.ts';
import { AppendQueue } from '../../src/relay/engine/sqlite/append-queue.ts';
import { WaitingBytes } from '../../src/relay/engine/waiting-bytes.ts';
import { CHANNEL, messages } from './support/submissions.ts';

const request = (payloadBytes = 16): AppendRequest => ({
  channel: CHANNEL,
  group: new Uint8Array(16),
  submissions: messages(1).map((each) => ({ ...each, payload: new Uint8Array(payloadBytes) })),
});
const reasons = ({ answers }: AppendOutcome): string[] =>
  answers.map((answer) => (answer.kind === 'refused' ? answer.reason : 'ok'));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what could not be stored', () => {
  test('is overtaken by nothing that was submitted before that was heard of', async () => {
    const settle: ((isStored: boolean) => void)[] = [];
    const queue = new AppendQueue(async (requests) => {
      const isStored = await new Promise<boolean>((resolve) => settle.push(resolve));
      return isStored ? requests.map(() => ({ answers: [{ kind: 'accepted', seq: 1, duplicate: false }] })) : undefined;
    });
    const first = queue.push(request(1000));
    await turn();
    await turn();
    const behind = queue.push(request());
    await turn();
    expect(settle).toHaveLength(1);
    settle[0]?.(false);
    expect(reasons(await first)).toEqual(['unavailable']);
    expect(reasons(await behind)).toEqual(['unavailable']);
    expect(queue.bytes).toBe(0);

    const later = queue.push(request());
    await turn();
    settle[1]?.(true);
    expect(reasons(await later)).toEqual(['ok']);
  });

  test('because too much waits is overtaken by nothing of the same turn', async () => {
    const waiting = new WaitingBytes(100);
    expect([waiting.take(60), waiting.take(60), waiting.take(1)]).toEqual([true, false, false]);
    expect(waiting.bytes).toBe(60);
    await turn();
    expect([waiting.take(60), waiting.take(40)]).toEqual([false, false]);
    await turn();
    expect(waiting.take(40)).toBe(true);
    waiting.give(100);
    expect(waiting.bytes).toBe(0);
  });
});
