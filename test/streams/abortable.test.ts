import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable } from '../../src/streams/index.ts';

const REASON = new Error('given up');

describe('abortable', () => {
  it('is what becomes of the task, and leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const failure = new Error('failed');

    expect(await abortable(Promise.resolve(1), signal)).toBe(1);
    await expect(abortable(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('rejects with the reason of the signal when that comes first, also if it has come already', async () => {
    const stop = new AbortController();
    const never = new Promise<never>(() => undefined);
    const waiting = abortable(never, stop.signal);
    stop.abort(REASON);

    await expect(waiting).rejects.toBe(REASON);
    await expect(abortable(never, stop.signal)).rejects.toBe(REASON);
  });

  it('lets a task fail later that nobody waits for any more', async () => {
    const stop = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const task = new Promise<never>((_, reject) => (fail = reject));
    const waiting = abortable(task, stop.signal);
    stop.abort(REASON);
    fail(new Error('too late')); // unhandled, it would fail this file

    await expect(waiting).rejects.toBe(REASON);
    await new Promise(setImmediate);
  });

  it('is the task itself without a signal', () => {
    const task = Promise.resolve(1);

    expect(abortable(task, undefined)).toBe(task);
  });
});
