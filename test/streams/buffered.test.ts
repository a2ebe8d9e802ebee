import { lastValueFrom, NEVER, Observable, of, range, startWith, Subject, take, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { buffered, type BufferPolicy, yieldTurn } from '../../src/streams/index.ts';
import { CountedSource, hostErrorOf } from './support.ts';

const roomy: BufferPolicy<number> = { capacity: 1000, overflow: 'error' };

describe('buffered', () => {
  it('delivers in turns of its own, at most 32 values each, in order', async () => {
    const source = new CountedSource<number>();
    const seen: number[] = [];
    const subscription = source.values$.pipe(buffered(roomy)).subscribe((value) => seen.push(value));
    source.next(...Array.from({ length: 70 }, (_, index) => index));

    const perTurn = [seen.length];
    while (seen.length < 70) {
      const before = seen.length;
      await yieldTurn();
      perTurn.push(seen.length - before);
    }
    subscription.unsubscribe();

    expect(perTurn.filter((count) => count > 0)).toEqual([32, 32, 6]);
    expect(seen).toEqual(Array.from({ length: 70 }, (_, index) => index));
    expect(source.active).toBe(0);
  });

  it('completes behind the values that wait', async () => {
    expect(await lastValueFrom(range(0, 100).pipe(buffered(roomy), toArray()))).toHaveLength(100);
  });

  it('passes an error on behind the values that wait', async () => {
    const seen: unknown[] = [];
    const failing$ = throwError(() => new Error('lost')).pipe(startWith(1));
    await new Promise<void>((resolve) => {
      failing$.pipe(buffered(roomy)).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => {
          seen.push(error);
          resolve();
        },
      });
    });

    expect(seen).toEqual([1, new Error('lost')]);
  });

  it('ends with an error behind the values that wait when there is no room', async () => {
    const source = new CountedSource<number>();
    const seen: unknown[] = [];
    const ended = new Promise<void>((resolve) => {
      source.values$.pipe(buffered({ capacity: 2, overflow: 'error' })).subscribe({
        next: (value) => seen.push(value),
        error: (error: unknown) => {
          seen.push(error);
          resolve();
        },
      });
    });
    source.next(1, 2, 3, 4);
    expect(source.active).toBe(0);
    await ended;

    expect(seen).toEqual([1, 2, expect.objectContaining({ code: 'mailbox_full' })]);
  });

  it('stops a source that would emit for ever inside of subscribe', async () => {
    const endless$ = new Observable<number>((subscriber) => {
      for (let value = 0; !subscriber.closed; value += 1) subscriber.next(value);
    });

    await expect(lastValueFrom(endless$.pipe(buffered({ capacity: 5, overflow: 'error' })))).rejects.toMatchObject({
      code: 'mailbox_full',
    });
  });

  it.each<['dropOldest' | 'dropNewest', number[], number[]]>([
    ['dropOldest', [4, 5, 6], [1, 2, 3]],
    ['dropNewest', [1, 2, 3], [4, 5, 6]],
  ])('tells what it drops with %s', async (overflow, kept, dropped) => {
    const lost: number[] = [];
    const policy: BufferPolicy<number> = { capacity: 3, overflow, onDrop: (value) => lost.push(value) };

    expect(await lastValueFrom(range(1, 6).pipe(buffered(policy), toArray()))).toEqual(kept);
    expect(lost).toEqual(dropped);
  });

  it('keeps the latest value alone when told so', async () => {
    expect(await lastValueFrom(range(1, 6).pipe(buffered({ latest: true }), toArray()))).toEqual([6]);
  });

  it('reports an onDrop that throws to the host and goes on', async () => {
    const seen: number[] = [];
    const onDrop = (): void => {
      throw new Error('broken callback');
    };
    const source = new CountedSource<number>();
    const subscription = source.values$
      .pipe(buffered({ capacity: 1, overflow: 'dropOldest', onDrop }))
      .subscribe((value) => seen.push(value));
    const error = await hostErrorOf(() => source.next(1, 2));
    while (seen.length === 0) await yieldTurn();
    subscription.unsubscribe();

    expect(error).toEqual(new Error('broken callback'));
    expect(seen).toEqual([2]);
  });

  it('delivers nothing after it was unsubscribed, also when its own handler does that', async () => {
    const source = new CountedSource<number>();
    const seen: number[] = [];
    const first = source.values$.pipe(buffered(roomy)).subscribe((value) => seen.push(value));
    source.next(1);
    first.unsubscribe();
    source.values$.pipe(buffered(roomy), take(2)).subscribe((value) => seen.push(value));
    source.next(11, 12, 13);
    while (seen.length < 2) await yieldTurn();
    await yieldTurn();

    expect(seen).toEqual([11, 12]);
    expect(source.active).toBe(0);
  });

  it('delivers what its own handler adds to the source behind what waits', async () => {
    const source = new Subject<string>();
    const seen: string[] = [];
    const done = lastValueFrom(
      source.pipe(
        buffered({ capacity: 8, overflow: 'error' }),
        tap((value) => {
          seen.push(value);
          if (value === 'question') source.next('answer');
          if (value === 'answer') source.complete();
        }),
      ),
    );
    source.next('question');
    source.next('another');
    await done;

    expect(seen).toEqual(['question', 'another', 'answer']);
  });

  it.each<[unknown, string]>([
    [{ capacity: 0, overflow: 'error' }, 'Expected `capacity` to be an integer of at least 1, got 0.'],
    [{ capacity: 1, overflow: 'drop' }, "Expected `overflow` to be 'error', 'dropOldest' or 'dropNewest', got drop."],
  ])('refuses the policy %j at the call', (policy, message) => {
    expect(() => of(1).pipe(buffered(policy as BufferPolicy<number>))).toThrow(message);
    expect(() => NEVER.pipe(buffered(policy as BufferPolicy<never>))).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });
});
