import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Scope, yieldTurn } from '../../src/streams/index.ts';
import { CountedSource, hostErrorOf } from './support.ts';

describe('Scope', () => {
  it('completes what is bound to it, before the teardowns run', async () => {
    const scope = new Scope();
    const source = new CountedSource<number>();
    const log: unknown[] = [];
    scope.onEnd(() => log.push(`teardown, ${source.active} active`));
    source.values$
      .pipe(scope.bind())
      .subscribe({ next: (value) => log.push(value), complete: () => log.push('complete') });
    source.next(1);

    await scope.end();
    source.next(2);

    expect(log).toEqual([1, 'complete', 'teardown, 0 active']);
  });

  it('completes at once what is bound to it after its end', async () => {
    const scope = new Scope();
    await scope.end();
    let isComplete = false;
    NEVER.pipe(scope.bind()).subscribe({ complete: () => (isComplete = true) });

    expect(isComplete).toBe(true);
  });

  it('runs the teardowns in reverse order, one after the other', async () => {
    const scope = new Scope();
    const log: string[] = [];
    for (const name of ['store', 'connection', 'listener']) {
      scope.onEnd(async () => {
        log.push(`begin ${name}`);
        await yieldTurn();
        log.push(`end ${name}`);
      });
    }

    await scope.end();

    expect(log).toEqual([
      'begin listener',
      'end listener',
      'begin connection',
      'end connection',
      'begin store',
      'end store',
    ]);
  });

  it('runs all teardowns and gathers the errors of those that fail', async () => {
    const scope = new Scope();
    const log: string[] = [];
    scope.onEnd(() => log.push('first'));
    scope.onEnd(() => Promise.reject(new Error('late')));
    scope.onEnd(() => {
      throw new Error('at once');
    });

    const error = await scope.end().catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([new Error('at once'), new Error('late')]);
    expect(log).toEqual(['first']);
  });

  it('ends once, however often and from wherever it is told to', async () => {
    const scope = new Scope();
    let runs = 0;
    const ends: Promise<void>[] = [];
    scope.signal.addEventListener('abort', () => ends.push(scope.end()), { once: true });
    scope.onEnd(() => (runs += 1));
    ends.push(scope.end(), scope.end());
    await Promise.all(ends);
    ends.push(scope.end());

    expect(runs).toBe(1);
    expect(ends).toHaveLength(4);
    expect(new Set(ends).size).toBe(1);
  });

  it('does not run a teardown that was taken back, not even by a teardown', async () => {
    const scope = new Scope();
    const log: string[] = [];
    const takeBackFirst = scope.onEnd(() => log.push('first'));
    const takeBackSecond = scope.onEnd(() => log.push('second'));
    scope.onEnd(() => {
      takeBackFirst();
      log.push('third');
    });
    takeBackSecond();

    await scope.end();

    expect(log).toEqual(['third']);
  });

  it('runs and awaits a teardown that another one adds', async () => {
    const scope = new Scope();
    const log: string[] = [];
    scope.onEnd(() => log.push('outer'));
    scope.onEnd(() => {
      scope.onEnd(async () => {
        await yieldTurn();
        log.push('added');
      });
    });

    await scope.end();

    expect(log).toEqual(['outer', 'added']);
  });

  it('runs a teardown at once when it is over, and reports its error to the host', async () => {
    const scope = new Scope();
    await scope.end();
    let runs = 0;

    const error = await hostErrorOf(() => {
      scope.onEnd(() => {
        runs += 1;
        throw new Error('too late');
      });
    });

    expect(runs).toBe(1);
    expect(error).toEqual(new Error('too late'));
  });

  it('ends with the block that owns it', async () => {
    const log: string[] = [];
    {
      await using scope = new Scope();
      scope.onEnd(() => log.push('ended'));
      log.push('used');
    }
    log.push('after');

    expect(log).toEqual(['used', 'ended', 'after']);
  });

  it('binds thousands of streams without a warning and lets go of each as it ends', async () => {
    const scope = new Scope();
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const source = new CountedSource<number>();
    const subscriptions = Array.from({ length: 2000 }, () => source.values$.pipe(scope.bind()).subscribe());
    expect(source.active).toBe(2000);
    for (const subscription of subscriptions) subscription.unsubscribe();
    // Warnings come in a later tick.
    await yieldTurn();
    process.off('warning', listen);

    expect(source.active).toBe(0);
    expect(warnings).toEqual([]);
  });
});
