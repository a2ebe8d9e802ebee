import { map } from 'rxjs';
import { expect, it } from 'vitest';
import { bytes, channelOf, Recorder, Swarm, text } from '../../support/swarm.ts';

it('tells the other members who is there: who announces itself, and who says anything', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const heard = new Recorder(alice.channel$);
  const names = new Recorder(
    alice.channel$.presence$.pipe(map((present) => present.map(({ member }) => text(member.identity)).join(' '))),
  );
  await names.until(1);
  await bob.channel$.send(bytes('first'));
  await heard.until(1);

  const there = bob.channel$.announce();
  await names.until((values) => values.at(-1) === 'bob');
  carol.channel$.announce();
  await names.until((values) => values.at(-1) === 'bob carol');
  await carol.close();
  await names.until((values) => values.at(-1) === 'bob');
  there.unsubscribe();
  await names.until((values) => values.at(-1) === '');
  expect(heard.values).toHaveLength(1);

  bob.channel$.announce();
  await names.until((values) => values.at(-1) === 'bob');
  await alice.removeMember(bytes('bob'));
  await names.until((values) => values.at(-1) === '');
});
