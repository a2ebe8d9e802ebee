import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { orTimeout } from './or-timeout.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale leave`. */
export function leaveCommand(context: CliContext): Command {
  const { terminal } = context;
  const command = agentOptions(
    new Command('leave')
      .description('leave a channel; another member that is online takes this agent out')
      .argument('<channel>'),
  )
    .option('--timeout <seconds>', 'how long to wait for that member', seconds, 30_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = await session.open(name);
        await orTimeout(
          context,
          flags.timeout,
          channel.channel$.leave(),
          () =>
            `nobody has taken this agent out of ${name} yet; the wish is kept, and said again when the channel is opened`,
        );
        await terminal.write(flags.json ? `${JSON.stringify({ channel: name, left: true })}\n` : `left ${name}\n`);
      }),
    );
  return explain(command, { examples: ['skytale leave acme/ops/log'] });
}
