import fc from 'fast-check';
import { Subscription, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OrderedSubject } from '../../src/streams/index.ts';
import { hostErrorOf } from './support.ts';

describe('OrderedSubject', () => {
  it('shows everyone the question before the answer when a handler answers at once', () => {
    const events = new OrderedSubject<string>();
    const first: string[] = [];
    const last: string[] = [];
    events.asObservable().subscribe((event) => {
      first.push(event);
      if (event === 'join') events.next('ack');
    });
    events.asObservable().subscribe((event) => last.push(event));

    events.next('join');

    expect(first).toEqual(['join', 'ack']);
    expect(last).toEqual(['join', 'ack']);
  });

  it('keeps the value under way from a subscriber that joins during its delivery, and shows it those that wait', () => {
    const events = new OrderedSubject<string>();
    const late: string[] = [];
    const joinLate = (): Subscription => events.asObservable().subscribe((event) => late.push(event));
    events
      .asObservable()
      .pipe(take(1))
      .subscribe(() => {
        events.next('waits');
        joinLate();
      });

    events.next('under way');

    expect(late).toEqual(['waits']);
  });

  it('gives nothing more to a subscriber that another one unsubscribes during a delivery', () => {
    const events = new OrderedSubject<number>();
    const seen: number[] = [];
    const victim = new Subscription();
    events.asObservable().subscribe(() => victim.unsubscribe());
    victim.add(events.asObservable().subscribe((value) => seen.push(value)));

    events.next(1);

    expect(seen).toEqual([]);
  });

  it('completes behind the values that wait, and takes no value after that', () => {
    const events = new OrderedSubject<number>();
    const seen: unknown[] = [];
    events.asObservable().subscribe((value) => {
      if (value !== 1) return;
      events.next(2);
      events.complete();
      events.next(3);
    });
    events.asObservable().subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete') });

    events.next(1);
    events.next(4);
    events.complete();

    expect(seen).toEqual([1, 2, 'complete']);
  });

  it('completes a subscriber that comes after the end at once', () => {
    const events = new OrderedSubject<number>();
    events.next(1);
    events.complete();
    const seen: unknown[] = [];

    events.asObservable().subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete') });

    expect(seen).toEqual(['complete']);
  });

  it('reports a subscriber that throws to the host and goes on with the others', async () => {
    const events = new OrderedSubject<number>();
    const seen: number[] = [];
    events.asObservable().subscribe((value) => {
      if (value === 1) events.next(2);
      if (value === 1) throw new Error('broken handler');
    });
    events.asObservable().subscribe((value) => seen.push(value));

    const error = await hostErrorOf(() => events.next(1));
    events.next(3);

    expect(error).toEqual(new Error('broken handler'));
    expect(seen).toEqual([1, 2, 3]);
  });

  it('knows whether anyone is subscribed', () => {
    const events = new OrderedSubject<number>();
    expect(events.observed).toBe(false);
    const subscription = events.asObservable().subscribe();
    expect(events.observed).toBe(true);
    subscription.unsubscribe();
    expect(events.observed).toBe(false);
  });

  it('shows each subscriber an unbroken run of the order of the calls, whatever handlers and senders do', async () => {
    const seen = { reentrant: 0, joins: 0, leaves: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.array(fc.constantFrom('send', 'join', 'leave', 'nothing'), { maxLength: 6 }), {
          minLength: 2,
          maxLength: 5,
        }),
        fc.integer({ min: 1, max: 8 }),
        async (scheduler, plans, sends) => {
          const events = new OrderedSubject<number>();
          // The order of the calls, kept apart from the subject: it is what everyone has to see.
          const calls: number[] = [];
          const send = (): void => {
            calls.push(calls.length);
            events.next(calls.length - 1);
          };
          const members: { readonly from: number; readonly log: number[]; hasLeft: boolean }[] = [];
          const join = (plan: readonly string[], from: number): void => {
            const steps = [...plan];
            const member: (typeof members)[number] = { from, log: [], hasLeft: false };
            members.push(member);
            const subscription = events.asObservable().subscribe((value) => {
              member.log.push(value);
              const step = steps.shift();
              if (step === 'send') {
                seen.reentrant += 1;
                send();
              } else if (step === 'join') {
                seen.joins += 1;
                join([], value + 1);
              } else if (step === 'leave') {
                seen.leaves += 1;
                member.hasLeft = true;
                subscription.unsubscribe();
              }
            });
          };
          for (const plan of plans) join(plan, 0);

          for (let index = 0; index < sends; index += 1) {
            void scheduler.schedule(Promise.resolve(), `send ${index}`).then(send);
          }
          await scheduler.waitIdle();

          for (const { from, log, hasLeft } of members) {
            expect(log).toEqual(calls.slice(from, hasLeft ? from + log.length : undefined));
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(seen.reentrant).toBeGreaterThan(0);
    expect(seen.joins).toBeGreaterThan(0);
    expect(seen.leaves).toBeGreaterThan(0);
  });
});
