import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchCiphers } from '../../scripts/simulate/cipher-watch.ts';
import type { ChannelEvent } from '../../src/actors/channel/index.ts';
import { ChannelOutput } from '../../src/actors/channel/channel-output.ts';
import { CommitDesk } from '../../src/actors/channel/commit-desk.ts';
import { LinkDriver } from '../../src/actors/channel/link-driver.ts';
import { OutboxDesk } from '../../src/actors/channel/outbox-desk.ts';
import { ChannelStore } from '../../src/mls/store/channel-store.ts';
import type { ChannelRecord, OutboxEntry } from '../../src/mls/index.ts';
import { type Fault, KeyUse, simulateLife } from '../../src/replay/index.ts';

/** Names of the checkers that find something in a life. */
async function caughtBy(seed: number, ...faults: Fault[]): Promise<string[]> {
  const keyUse = new KeyUse();
  watchCiphers(keyUse);
  const { violations } = await simulateLife({ seed, agents: 3, plan: { version: 1, faults }, keyUse });
  return [...new Set(violations.map(({ checker }) => checker))];
}

const crash: Fault = { kind: 'crash', agent: 'bob', nth: 9, forMs: 300 };
const away: Fault = { kind: 'partition', agents: ['bob'], atMs: 100, forMs: 1_000 };
const answerLost: Fault = { kind: 'lose-answer', agent: 'alice', nth: 2 };
const kept: Fault = { kind: 'withhold', agent: 'bob', atMs: 100, forMs: 1_000 };
const race: Fault = { kind: 'commit-race', agents: ['alice', 'bob', 'carol'], atMs: 500 };

type ArgsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never;
type ResultOf<Method> = Method extends (...args: never[]) => infer Result ? Result : never;

/** Replaces a method; the replacement gets the one that was there. */
function mutate<Self extends object, Name extends keyof Self & string>(
  prototype: Self,
  name: Name,
  replacement: (
    original: (...args: ArgsOf<Self[Name]>) => ResultOf<Self[Name]>,
    self: Self,
    ...args: ArgsOf<Self[Name]>
  ) => ResultOf<Self[Name]>,
): void {
  type Method = (this: Self, ...args: ArgsOf<Self[Name]>) => ResultOf<Self[Name]>;
  const methods = prototype as unknown as Record<string, Method>;
  const original = methods[name]!;
  vi.spyOn(methods, name).mockImplementation(function (this: Self, ...args) {
    return replacement((...given) => original.apply(this, given), this, ...args);
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

it('finds nothing wrong where nothing was changed', async () => {
  for (const faults of [[crash], [away], [answerLost], [race]]) expect(await caughtBy(3, ...faults)).toEqual([]);
});

describe('a channel that does one thing wrong is caught:', () => {
  it('forgets to write the cursor', async () => {
    const cursors = new WeakMap<object, ChannelRecord['cursor']>();
    mutate(ChannelStore.prototype, 'save', (original, self, record) => {
      if (!cursors.has(self)) cursors.set(self, record.cursor);
      return original({ ...record, cursor: cursors.get(self) ?? record.cursor });
    });
    expect(await caughtBy(3, crash)).toContain('nothing-unreadable');
  });

  it('applies its own commit when that has lost its epoch', async () => {
    mutate(CommitDesk.prototype, 'answered', (original, _self, ...args) => {
      const [record, , answer] = args;
      const hasLost = answer.kind === 'refused' && answer.reason === 'epoch-decided';
      const { pendingCommit } = record;
      if (!hasLost || pendingCommit === undefined) return original(...args);
      return { ...record, group: pendingCommit.next, pendingCommit: undefined };
    });
    expect(await caughtBy(3, kept, race)).toContain('nothing-unreadable');
  });

  it('sends again under a fresh id what was not answered', async () => {
    const entries = new Map<OutboxDesk, Set<OutboxEntry>>();
    const creators = new Map<OutboxDesk, () => Uint8Array>();
    mutate(OutboxDesk.prototype, 'accept', (original, self, ...args) => {
      const record = original(...args);
      creators.set(self, args[2]);
      entries.set(self, new Set([...(entries.get(self) ?? []), ...record.outbox]));
      return record;
    });
    mutate(OutboxDesk.prototype, 'unansweredAll', (original, self) => {
      const inFlight = self.unsettled;
      original();
      if (inFlight === 0) return;
      for (const { messageId } of entries.get(self) ?? []) messageId.set(creators.get(self)?.() ?? messageId);
    });
    expect(await caughtBy(3, answerLost)).toContain('stored-once');
  });

  it('shows no message whose number can be divided by seven', async () => {
    mutateEmit((events) => events.filter((event) => event.kind !== 'message' || event.seq % 7 !== 0));
    expect(await caughtBy(3)).toContain('no-loss');
  });

  it('shows a message twice', async () => {
    mutateEmit((events) =>
      events.flatMap((event): ChannelEvent[] => (event.kind === 'message' ? [event, event] : [event])),
    );
    expect(await caughtBy(3)).toContain('no-duplicate');
  });

  it('shows what it has caught up on from the end', async () => {
    mutateEmit((events) => [...events].reverse());
    expect(await caughtBy(3, away)).toContain('one-order');
  });

  it('tells of a change before the state is there', async () => {
    mutate(ChannelOutput.prototype, 'show', (original, _self, ...args) => {
      queueMicrotask(() => original(...args));
    });
    expect(await caughtBy(3, race)).toContain('epochs-rise');
  });

  it('never answers every third send', async () => {
    let sends = 0;
    mutate(OutboxDesk.prototype, 'accept', (original, _self, ...args) => {
      const [record, payloads, createId] = args;
      const some = payloads.map((each) => ((sends += 1) % 3 === 0 ? { ...each, waiter: undefined } : each));
      return original(record, some, createId);
    });
    expect(await caughtBy(3)).toContain('sends-settle');
  });

  it('says that a message is stored before the relay does', async () => {
    mutate(OutboxDesk.prototype, 'accept', (original, _self, ...args) => {
      for (const { waiter } of args[1]) waiter?.resolve({ seq: 10_000, epoch: 1n, messageId: '' });
      return original(...args);
    });
    expect(await caughtBy(3)).toContain('sends-settle');
  });

  it('sends what comes together from the end', async () => {
    mutate(OutboxDesk.prototype, 'accept', (original, _self, ...args) => {
      const [record, payloads, createId] = args;
      return original(record, [...payloads].reverse(), createId);
    });
    expect(await caughtBy(3, away)).toContain('sends-keep-order');
  });

  it('encrypts a second batch from where the ratchet was', async () => {
    mutate(OutboxDesk.prototype, 'prepare', async (original, _self, ...args) => {
      const step = await original(...args);
      return { ...step, record: { ...step.record, group: args[0].group } };
    });
    expect(await caughtBy(3)).toContain('no-key-reuse');
  });

  it('believes that what was on a lost connection will be answered still', async () => {
    mutate(OutboxDesk.prototype, 'unansweredAll', () => undefined);
    expect(await caughtBy(3, { kind: 'lose-publish', agent: 'alice', nth: 2 })).toContain('nothing-pending');
  });

  it('says that a message was refused when it is stored', async () => {
    mutate(OutboxDesk.prototype, 'accept', (original, _self, ...args) => {
      const [record, payloads, createId] = args;
      const waiters = payloads.map((each) => ({
        ...each,
        waiter: each.waiter && { ...each.waiter, resolve: () => each.waiter?.reject(new Error('no')) },
      }));
      return original(record, waiters, createId);
    });
    expect(await caughtBy(3)).toContain('sends-settle');
  });

  it('answers with the place of the next message', async () => {
    mutate(OutboxDesk.prototype, 'stored', (original, _self, id, seq, epoch) => original(id, seq + 1, epoch));
    expect(await caughtBy(3)).toContain('sends-settle');
  });

  it('gives two messages of a batch one id', async () => {
    mutate(OutboxDesk.prototype, 'accept', (original, _self, ...args) => {
      const [record, payloads, createId] = args;
      const id = createId();
      return original(record, payloads, () => id);
    });
    expect(await caughtBy(3)).toContain('sends-settle');
  });

  it('shows a message that came behind its own removal', async () => {
    let latest: ChannelEvent | undefined;
    mutateEmit((events) =>
      events.flatMap((event): ChannelEvent[] => {
        if (event.kind === 'message') latest = event;
        const isRemoval = event.kind === 'epoch-change' && event.removed.length > 0 && latest?.kind === 'message';
        return isRemoval ? [event, { ...latest, seq: event.seq + 1 } as ChannelEvent] : [event];
      }),
    );
    const removal: Fault = { kind: 'remove-member', agent: 'alice', member: 'bob', atMs: 600 };
    expect(await caughtBy(3, removal)).toContain('removed-read-nothing');
  });

  it('keeps the state of the epoch before', async () => {
    mutate(ChannelOutput.prototype, 'show', (original, _self, ...args) => {
      if (args[0].group.epoch % 2n === 1n) original(...args);
    });
    expect(await caughtBy(3, { kind: 'commit-race', agents: ['alice'], atMs: 500 })).toContain('epochs-rise');
  });

  it('does not read on when it has started over', async () => {
    const opened = new WeakSet<object>();
    mutate(LinkDriver.prototype, 'open', (original, self, ...args) => {
      if (opened.has(self)) return;
      opened.add(self);
      original(...args);
    });
    const failure: Fault = { kind: 'store-fails', agent: 'bob', nth: 3, writes: 2, reason: 'full', when: 'before' };
    expect(await caughtBy(3, failure)).toContain('all-live');
  });

  it('is silent about what it has missed for good', async () => {
    mutate(ChannelOutput.prototype, 'fault', (original, _self, fault) => {
      if (fault.kind !== 'gap') original(fault);
    });
    expect(await caughtBy(3, away, { kind: 'retention', atMs: 900 })).toContain('no-loss');
  });

  it('leaves its streams open when it is stopped', async () => {
    mutate(ChannelOutput.prototype, 'complete', () => undefined);
    expect(await caughtBy(3)).toContain('nothing-pending');
  });
});

function mutateEmit(change: (events: readonly ChannelEvent[]) => readonly ChannelEvent[]): void {
  mutate(ChannelOutput.prototype, 'emit', (original, _self, events) => original(change(events)));
}
