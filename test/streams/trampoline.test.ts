import { describe, expect, it } from 'vitest';
import { Trampoline } from '../../src/streams/trampoline.ts';
import { hostErrorOf } from './support.ts';

describe('Trampoline', () => {
  it('runs what a task hands in after that task, in order', () => {
    const turns = new Trampoline();
    const log: string[] = [];
    turns.run(() => {
      turns.run(() => {
        turns.run(() => log.push('third'));
        log.push('first');
      });
      turns.run(() => log.push('second'));
      log.push('outer');
    });

    expect(log).toEqual(['outer', 'first', 'second', 'third']);
  });

  it('runs a task at once if told to, and what that hands in after the task around it', () => {
    const turns = new Trampoline();
    const log: string[] = [];
    turns.run(() => {
      turns.runNow(() => {
        turns.run(() => log.push('handed in'));
        log.push('at once');
      });
      log.push('around it');
    });

    expect(log).toEqual(['at once', 'around it', 'handed in']);
  });

  it('reports a task that throws to the host, runs the others and takes more', async () => {
    const turns = new Trampoline();
    const log: string[] = [];
    const error = await hostErrorOf(() => {
      turns.run(() => {
        turns.run(() => log.push('behind it'));
        throw new Error('broken task');
      });
    });
    turns.run(() => log.push('later'));

    expect(error).toEqual(new Error('broken task'));
    expect(log).toEqual(['behind it', 'later']);
  });
});
