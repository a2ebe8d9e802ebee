import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from '../../src/streams/index.ts';
import { hostErrorOf } from './support.ts';

describe('onAbort', () => {
  it('calls each callback once, in the order in which they came', () => {
    const stop = new AbortController();
    const log: string[] = [];
    onAbort(stop.signal, () => log.push('first'));
    onAbort(stop.signal, () => log.push('second'));
    stop.abort();
    stop.abort();

    expect(log).toEqual(['first', 'second']);
  });

  it('calls back at once for a signal that is aborted already', () => {
    const log: string[] = [];
    onAbort(AbortSignal.abort(), () => log.push('called'));

    expect(log).toEqual(['called']);
  });

  it('does not call what was taken back, also by a callback before it', () => {
    const stop = new AbortController();
    const log: string[] = [];
    const takeBack: (() => void)[] = [];
    onAbort(stop.signal, () => takeBack.forEach((undo) => undo()));
    const callback = (): void => void log.push('called');
    takeBack.push(onAbort(stop.signal, callback));
    onAbort(stop.signal, callback);
    stop.abort();

    expect(log).toEqual(['called']);
  });

  it('shares one listener and removes it with the last callback', () => {
    const stop = new AbortController();
    const undo = Array.from({ length: 100 }, () => onAbort(stop.signal, () => undefined));
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    for (const each of [...undo, ...undo]) each();
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);

    const log: string[] = [];
    onAbort(stop.signal, () => log.push('listens again'));
    undo.forEach((each) => each());
    stop.abort();
    expect(log).toEqual(['listens again']);
  });

  it('reports a callback that throws to the host and goes on', async () => {
    const stop = new AbortController();
    const log: string[] = [];
    onAbort(stop.signal, () => {
      throw new Error('broken callback');
    });
    onAbort(stop.signal, () => log.push('called'));

    expect(await hostErrorOf(() => stop.abort())).toEqual(new Error('broken callback'));
    expect(log).toEqual(['called']);
  });
});
