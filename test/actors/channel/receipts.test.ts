import { expect, it } from 'vitest';
import { ReceiptTimeoutError } from '../../../src/index.ts';
import { bytes, CHANNEL, channelOf, next, reaches, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

const TIMEOUT_MS = 10_000;
const names = (identities: readonly Uint8Array[]): string[] => identities.map(text).sort();

function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

it('tells three facts apart: accepted by the relay, delivered to each engine, handled by each consumer', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const order: string[] = [];
  const note =
    (what: string) =>
    <T>(receipt: T): T => {
      order.push(what);
      return receipt;
    };
  const { open, opened } = gate();
  for (const { channel$ } of [bob, carol]) channel$.consume(() => opened);

  const accepted = alice.send(bytes('1'), { receipt: 'accepted' }).then(note('accepted'));
  const delivered = alice.send(bytes('2'), { receipt: 'delivered', timeoutMs: TIMEOUT_MS }).then(note('delivered'));
  const handled = alice.send(bytes('3'), { receipt: 'handled', timeoutMs: TIMEOUT_MS }).then(note('handled'));
  await accepted;
  const two = await delivered;
  expect(order).toEqual(['accepted', 'delivered']);
  open();
  const three = await handled;

  expect(two).toMatchObject({ receipt: 'delivered', left: [] });
  expect(three).toMatchObject({ receipt: 'handled', left: [] });
  expect([names(two.confirmedBy), names(three.confirmedBy)]).toEqual([
    ['bob', 'carol'],
    ['bob', 'carol'],
  ]);
  expect(three.seq).toBe(two.seq + 1);
});

it('has confirmations travel as ciphertext that nobody sees among the messages', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const [atAlice, atBob] = [new Recorder(alice.channel$), new Recorder(bob.channel$)];
  const confirmation = next(alice.channel$.events$, ({ kind }) => kind === 'confirmation');

  const { seq } = await alice.send(bytes('hello'), { receipt: 'delivered', timeoutMs: TIMEOUT_MS });

  expect(await confirmation).toMatchObject({
    kind: 'confirmation',
    receipt: 'delivered',
    seqs: [seq],
    sender: bytes('bob'),
  });
  expect(atAlice.values).toEqual([]);
  expect(atBob.values.map(textOf)).toEqual(['hello']);
});

it('confirms a batch with one message', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await bob.close();
  await swarm.crashImage('bob', 'bob, later');
  const confirmations = new Recorder(alice.channel$.events$);
  const receipts = Array.from({ length: 30 }, (_, index) =>
    alice.send(bytes(`${index}`), { receipt: 'delivered', timeoutMs: TIMEOUT_MS }),
  );
  await next(alice.channel$.state$, ({ unsettled, seq }) => unsettled === 0 && seq >= 30);

  const later = await swarm.agent('bob', { dataDir: 'bob, later' }).openChannel(CHANNEL);
  later.channel$.connect();
  await Promise.all(receipts);

  const batches = confirmations.values.flatMap((event) => (event.kind === 'confirmation' ? [event.seqs.length] : []));
  expect(batches.reduce((sum, count) => sum + count)).toBe(30);
  expect(batches.length).toBeLessThan(10);
});

it('gives up in time, and says who has confirmed and who has not', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  bob.channel$.consume(() => undefined);
  // Carol reads and does not consume: for her, messages are delivered, and handled by nobody.
  carol.channel$.connect();
  await alice.send(bytes('warm'), { receipt: 'delivered', timeoutMs: TIMEOUT_MS });

  const error = await alice
    .send(bytes('x'), { receipt: 'handled', timeoutMs: 1_500 })
    .catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(ReceiptTimeoutError);
  const { code, accepted, confirmedBy, missing } = error as ReceiptTimeoutError;
  expect([code, names(confirmedBy), names(missing)]).toEqual(['receipt_timeout', ['bob'], ['carol']]);
  expect(accepted?.seq).toBeGreaterThan(0);
});

it('waits for as many as are wanted, and no longer for who is removed', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol, dave } = await channelOf(swarm, 'alice', 'bob', 'carol', 'dave');
  bob.channel$.consume(() => undefined);
  for (const { channel$ } of [carol, dave]) channel$.connect();

  const one = await alice.send(bytes('x'), { receipt: 'handled', timeoutMs: TIMEOUT_MS, from: 1 });
  const all = alice.send(bytes('y'), { receipt: 'handled', timeoutMs: TIMEOUT_MS });
  const three = alice.send(bytes('z'), { receipt: 'handled', timeoutMs: TIMEOUT_MS, from: 3 });
  await Promise.all([
    expect(three).rejects.toMatchObject({ code: 'responder_left' }),
    alice.channel$.commit({ remove: [bytes('carol'), bytes('dave')] }),
  ]);

  expect(names(one.confirmedBy)).toEqual(['bob']);
  const { confirmedBy, left } = await all;
  expect([names(confirmedBy), names(left)]).toEqual([['bob'], ['carol', 'dave']]);
});

it('confirms as handled, after a crash, what was redelivered and handled then', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const started = next(bob.channel$);
  bob.channel$.consume(
    (_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  );
  const receipt = alice.send(bytes('work'), { receipt: 'handled', timeoutMs: TIMEOUT_MS });
  await started;
  await swarm.crashImage('bob', 'bob after the crash');
  await bob.close({ graceMs: 0 });

  const again = await swarm.agent('bob', { dataDir: 'bob after the crash' }).openChannel(CHANNEL);
  const handled: [string, boolean][] = [];
  again.channel$.consume((message) => void handled.push([textOf(message), message.redelivered]));

  expect(names((await receipt).confirmedBy)).toEqual(['bob']);
  expect(handled).toEqual([['work', true]]);
  await reaches(again.channel$, 'live');
});

it('settles on stop, and says at the call what is no option', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await bob.close();
  const outcome = alice.send(bytes('x'), { receipt: 'delivered', timeoutMs: TIMEOUT_MS });
  outcome.catch(() => undefined);
  await expect(alice.send(bytes('x'), { receipt: 'delivered', timeoutMs: 0 })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
  await expect(alice.send(bytes('x'), { receipt: 'delivered', timeoutMs: 1, from: 0 })).rejects.toMatchObject({
    code: 'invalid_argument',
  });

  await alice.close();

  await expect(outcome).rejects.toMatchObject({ code: 'channel_closed' });
});
