import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { identityBytes } from '../format.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { printState } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale remove`. */
export function removeCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('remove')
      .description('remove a member; it cannot read what is sent from then on')
      .argument('<channel>')
      .argument('<member>', 'as "skytale members" shows it'),
  )
    .option('--timeout <seconds>', 'how long the relay may take', seconds, 30_000)
    .action((name: string, member: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = await session.open(name);
        await channel.live(context.clock, flags.timeout, context.terminal.signal);
        await channel.client.removeMember(identityBytes(member));
        await printState(context, flags, channel.state, `removed ${member} from ${name}`);
      }),
    );
  return explain(command, { examples: ['skytale remove acme/ops/log bob'] });
}
