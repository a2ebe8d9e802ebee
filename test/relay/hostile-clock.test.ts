import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { startFront } from './support/front.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { messages } from './support/submissions.ts';
import { TestClock } from './support/test-clock.ts';

const HOUR = 60 * 60 * 1000;

describe('a wall clock that jumps', () => {
  test.each([
    ['forward', HOUR],
    ['back', -HOUR],
  ])('%s by an hour ends no connection too early and none too late', async (_, jump) => {
    const clock = new TestClock();
    const limits = { handshakeTimeoutMs: 10_000, idleTimeoutMs: 60_000 };
    const front = await startFront({ clock, limits });
    const alice = await RawClient.connect(front.endpoint);
    const idle = await RawClient.connect(front.endpoint);
    idle.halfClose();
    expect((await idle.ended).code).toBe(status.OK);
    const silent = new RawSocket(front.port);
    await front.holds(3);

    clock.jump(jump);
    clock.advance(9_999);
    expect(await alice.publish(messages(3))).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    expect([silent.isClosed, front.server.connections]).toEqual([false, 3]);
    clock.advance(1);
    await silent.closed;
    expect([front.cuts('slow-handshake'), front.cuts('idle')]).toEqual([1, 0]);

    clock.jump(-2 * jump);
    clock.advance(50_001);
    expect(front.cuts('idle')).toBe(1);
    await front.holds(1);
    alice.subscribe(1);
    expect(await alice.entriesUpTo(1, 3)).toHaveLength(3);
  });
});
