// Commits on a channel as fast as it can until its input ends, and prints what became of each.
import { setTimeout as wait } from 'node:timers/promises';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { openNatsEngine } from '../../../src/relay/engine/nats/index.ts';
import { commit, GROUP } from '../support/submissions.ts';

const [servers = '', name = '', channelName = ''] = process.argv.slice(2);
const channel = parseChannelName(channelName);
const engine = await openNatsEngine({ servers: servers.split(','), name, shards: 2, replicas: 1, clock: systemClock });

let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
for (let epoch = 0n; !(isOver as boolean); ) {
  const { answers } = await engine.append({ channel, group: GROUP, submissions: [commit(epoch)] });
  const [answer] = answers;
  console.log(answer?.kind === 'accepted' ? `won ${epoch} ${answer.seq}` : `lost ${epoch} ${answer?.reason}`);
  if (answer?.kind === 'refused' && answer.reason === 'unavailable') await wait(20);
  else epoch = answer?.kind === 'refused' ? answer.currentEpoch : epoch + 1n;
}
await engine.close();
