import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defineActor, type DeadLetter, createSystem } from '../../../src/actors/index.ts';
import { yieldTurn } from '../../../src/streams/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const RUNS = 1000;

type Step =
  | { readonly kind: 'tell'; readonly sender: number }
  | { readonly kind: 'finish'; readonly which: number }
  | { readonly kind: 'fail'; readonly which: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('tell' as const), sender: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), which: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(12_000) }) },
);

interface Message {
  readonly sender: number;
  readonly number: number;
}

const nameOf = ({ sender, number }: Message): string => `${sender}.${number}`;

/**
 * Whatever the order in which messages come, work ends and lives begin: each message is handled or a dead letter, those of
 * a sender begin in their order, all subscribers see one order, and nothing is left when the actor has stopped.
 */
test(`keeps its promises under ${RUNS} random schedules`, async () => {
  const fired = { crashes: 0, poison: 0, overflow: 0, stopped: 0, handled: 0 };
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
    fc.integer({ min: 1, max: 3 }),
    async (steps, concurrency) => {
      const clock = new ManualClock();
      const deadLetters: DeadLetter[] = [];
      const system = createSystem({ clock, onCrash: () => (fired.crashes += 1) });
      system.deadLetters$.subscribe((letter) => deadLetters.push(letter));
      const jobs: { message: Message; resolve(name: string): void; reject(error: Error): void }[] = [];
      const begun: Message[] = [];
      const ref = system.spawn(
        defineActor<Message, string>((inbox$, { handle, signal }) => {
          signal.addEventListener('abort', () => jobs.splice(0));
          return inbox$.pipe(
            handle(
              (message) => {
                begun.push(message);
                return new Promise<string>((resolve, reject) => jobs.push({ message, resolve, reject }));
              },
              { concurrency },
            ),
          );
        }),
        { id: 'a', mailbox: { maxMessages: 8 }, budget: { restarts: 1000 } },
      );
      const views: string[][] = [[], []];
      for (const view of views) ref.out$.subscribe((name) => view.push(name));
      const sent: Message[] = [];
      for (const { kind, ...rest } of steps) {
        const { sender = 0, which = 0, ms = 0 } = rest as { sender?: number; which?: number; ms?: number };
        if (kind === 'tell') {
          const message = { sender, number: sent.length };
          sent.push(message);
          ref.tell(message);
        }
        const [job] = kind === 'finish' || kind === 'fail' ? jobs.splice(which % Math.max(1, jobs.length), 1) : [];
        if (kind === 'finish') job?.resolve(nameOf(job.message));
        if (kind === 'fail') job?.reject(new Error('work failed'));
        if (kind === 'turn') {
          await yieldTurn();
          await yieldTurn();
        }
        if (kind === 'wait') clock.advance(ms);
      }
      const stopped = ref.stop({ graceMs: 10 });
      await yieldTurn();
      clock.advance(10);
      await stopped;

      const handled = views[0] ?? [];
      expect(views[1]).toEqual(handled);
      const buried = deadLetters.map(({ message }) => nameOf(message as Message));
      expect([...new Set([...handled, ...buried])].sort()).toEqual(sent.map(nameOf).sort());
      expect(handled).toHaveLength(new Set(handled).size);
      expect(buried).toHaveLength(new Set(buried).size);
      const firsts = begun.filter((message, index) => begun.findIndex((other) => other === message) === index);
      for (const sender of [0, 1, 2]) {
        const numbers = firsts.filter((message) => message.sender === sender).map(({ number }) => number);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      }
      expect(system.snapshot()).toEqual([]);
      expect(clock.waiting).toBe(0);
      fired.handled += handled.length;
      for (const { reason } of deadLetters)
        if (reason in fired) fired[reason as 'poison' | 'overflow' | 'stopped'] += 1;
      await system.shutdown();
    },
  );
  const result = await fc.check(property, { numRuns: RUNS });
  console.log(`seed ${result.seed}: ${JSON.stringify(fired)}`);
  if (result.failed) throw new Error(fc.defaultReportMessage(result));
  for (const count of Object.values(fired)) expect(count).toBeGreaterThan(0);
}, 60_000);
