import { getEventListeners } from 'node:events';
import { from, NEVER, Observable, of, startWith, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type BufferPolicy, iterate } from '../../src/streams/index.ts';
import { CountedSource } from './support.ts';

const roomy = { capacity: 16, overflow: 'error' } as const;

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of values) seen.push(value);
  return seen;
}

describe('iterate', () => {
  it('hands over the values in order and ends after the completion', async () => {
    expect(await collect(iterate(from([1, 2, 3]), roomy))).toEqual([1, 2, 3]);
  });

  it('misses nothing between the call and the first next()', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);
    source.next(1, 2);
    source.complete();

    expect(await collect(values)).toEqual([1, 2]);
  });

  it('answers calls of next() that wait in their order', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);
    const answers = Promise.all([values.next(), values.next(), values.next()]);
    source.next(1, 2);
    source.complete();

    expect(await answers).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ]);
  });

  it('throws the error of the source once, behind the values that wait', async () => {
    const values = iterate(throwError(() => new Error('lost')).pipe(startWith(1)), roomy);

    expect(await values.next()).toEqual({ done: false, value: 1 });
    await expect(values.next()).rejects.toThrow('lost');
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });

  it('rejects one waiting next() with the error and ends the others', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);
    const answers = Promise.allSettled([values.next(), values.next()]);
    source.error(new Error('lost'));

    expect(await answers).toEqual([
      { status: 'rejected', reason: new Error('lost') },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('unsubscribes when the loop is left', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);
    source.next(1, 2, 3);
    for await (const value of values) if (value === 2) break;

    expect(source.active).toBe(0);
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });

  it('settles a next() that waits when return() is called', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);
    const waiting = values.next();
    await values.return?.();

    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(source.active).toBe(0);
  });

  it('unsubscribes on throw() and rejects with what was thrown', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy);

    await expect(values.throw?.(new Error('mine'))).rejects.toThrow('mine');
    expect(source.active).toBe(0);
  });

  it('unsubscribes at the end of the block that owns it', async () => {
    const source = new CountedSource<number>();
    {
      await using values = iterate(source.values$, roomy);
      source.next(1);
      expect((await values.next()).value).toBe(1);
    }

    expect(source.active).toBe(0);
  });

  it('fails behind the values that wait when there is no room', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, { capacity: 2, overflow: 'error' });
    source.next(1, 2, 3);

    expect(source.active).toBe(0);
    expect((await values.next()).value).toBe(1);
    expect((await values.next()).value).toBe(2);
    await expect(values.next()).rejects.toMatchObject({ code: 'mailbox_full' });
  });

  it('has room for what a waiting next() takes, beside the capacity', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, { capacity: 1, overflow: 'error' });
    const first = values.next();
    source.next(1, 2);
    source.complete();

    expect((await first).value).toBe(1);
    expect(await collect(values)).toEqual([2]);
  });

  it.each<[BufferPolicy<number>, number[]]>([
    [{ capacity: 2, overflow: 'dropOldest' }, [3, 4]],
    [{ capacity: 2, overflow: 'dropNewest' }, [1, 2]],
    [{ latest: true }, [4]],
  ])('keeps what the policy %j says', async (policy, kept) => {
    const lost: number[] = [];
    const watched = 'latest' in policy ? policy : { ...policy, onDrop: (value: number) => lost.push(value) };
    const seen = await collect(iterate(from([1, 2, 3, 4]), watched));

    expect(seen).toEqual(kept);
    if (!('latest' in policy)) expect([...seen, ...lost].sort()).toEqual([1, 2, 3, 4]);
  });

  it('rejects a waiting next() with the reason of the signal and unsubscribes', async () => {
    const source = new CountedSource<number>();
    const stop = new AbortController();
    const values = iterate(source.values$, roomy, { signal: stop.signal });
    const waiting = values.next();
    stop.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
    expect(source.active).toBe(0);
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });

  it('gives up what waits when the signal is aborted, before and after the end of the source', async () => {
    for (const isOver of [false, true]) {
      const source = new CountedSource<number>();
      const stop = new AbortController();
      const values = iterate(source.values$, roomy, { signal: stop.signal });
      source.next(1, 2);
      if (isOver) source.complete();
      stop.abort(new Error('enough'));

      await expect(values.next()).rejects.toThrow('enough');
      expect(await values.next()).toEqual({ done: true, value: undefined });
    }
  });

  it('does not subscribe with a signal that is aborted already', async () => {
    const source = new CountedSource<number>();
    const values = iterate(source.values$, roomy, { signal: AbortSignal.abort(new Error('enough')) });

    expect(source.subscriptions).toBe(0);
    await expect(values.next()).rejects.toThrow('enough');
  });

  it('leaves no listener on the signal', async () => {
    const stop = new AbortController();
    const left = iterate(NEVER, roomy, { signal: stop.signal });
    const finished = iterate(of(1), roomy, { signal: stop.signal });
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    await left.return?.();
    await collect(finished);

    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });

  it('stops a source that would emit for ever inside of subscribe', async () => {
    const endless$ = new Observable<number>((subscriber) => {
      for (let value = 0; !subscriber.closed; value += 1) subscriber.next(value);
    });
    const values = iterate(endless$, { capacity: 1, overflow: 'error' });

    expect((await values.next()).value).toBe(0);
    await expect(values.next()).rejects.toMatchObject({ code: 'mailbox_full' });
  });

  it('refuses a policy that is none at the call', () => {
    expect(() => iterate(NEVER, { capacity: 1.5, overflow: 'error' })).toThrow(
      'Expected `capacity` to be an integer of at least 1, got 1.5.',
    );
  });
});
