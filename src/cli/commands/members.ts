import { Command } from 'commander';
import type { ChannelState } from '../../actors/channel/index.ts';
import { TransportError } from '../../base/errors.ts';
import type { OpenChannel } from '../agent/open-channel.ts';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { identityText, table } from '../format.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { stateJson } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale members`. */
export function membersCommand(context: CliContext): Command {
  const { terminal } = context;
  const command = agentOptions(
    new Command('members')
      .description('list the members of a channel, and the digits to compare')
      .argument('<channel>'),
  )
    .option('--timeout <seconds>', 'how long to wait for the latest changes', seconds, 10_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = await session.open(name);
        const { state, isLatest } = await latest(context, channel, flags.timeout);
        const safetyNumber = state.members.length < 2 ? null : channel.channel$.safetyNumber();
        if (flags.json) {
          const answer = { ...stateJson(state), is_latest: isLatest, safety_number: safetyNumber };
          return terminal.write(`${JSON.stringify(answer)}\n`);
        }
        await terminal.write(
          table(
            ['MEMBER', 'LEAF'],
            state.members.map(({ identity, leaf }) => [identityText(identity), String(leaf)]),
          ),
        );
        terminal.note(`epoch ${state.epoch}${safetyNumber === null ? '' : `, safety number ${safetyNumber}`}\n`);
        if (!isLatest) terminal.note('The relay was not reached: this is what the agent knew last.\n');
      }),
    );
  return explain(command, {
    examples: ['skytale members acme/ops/log', 'skytale members acme/ops/log --json | jq -r ".members[].identity"'],
    notes:
      'Members that read the same safety number to each other, over another way, have nobody in between.\n' +
      'Where the relay is not reached the list is what the agent knew last ("is_latest": false).',
  });
}

async function latest(
  { clock, terminal }: CliContext,
  channel: OpenChannel,
  timeoutMs: number,
): Promise<{ readonly state: ChannelState; readonly isLatest: boolean }> {
  try {
    return { state: await channel.live(clock, timeoutMs, terminal.signal), isLatest: true };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { state: channel.state, isLatest: false };
  }
}
