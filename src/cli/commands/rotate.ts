import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { printState } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale rotate`. */
export function rotateCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('rotate').description("renew this agent's keys in a channel").argument('<channel>'),
  )
    .option('--timeout <seconds>', 'how long the relay may take', seconds, 30_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = await session.open(name);
        await channel.live(context.clock, flags.timeout, context.terminal.signal);
        await channel.channel$.commit({ rotate: true });
        await printState(context, flags, channel.state, `renewed the keys in ${name}`);
      }),
    );
  return explain(command, {
    examples: ['skytale rotate acme/ops/log'],
    notes:
      'Somebody who had copied the old keys reads nothing from here on. Channels also do it by themselves, once a day.',
  });
}
