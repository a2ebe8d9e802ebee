import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { printState } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale create`. */
export function createCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('create')
      .description('make a channel; this agent is its first member')
      .argument('<channel>', 'org/namespace/service, in lower-case letters, digits and hyphens'),
  )
    .option('--timeout <seconds>', 'how long the relay may take', seconds, 30_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = session.adopt(await session.client.createChannel(name));
        const state = await channel.live(context.clock, flags.timeout, context.terminal.signal);
        await printState(context, flags, state, `created ${name}`);
      }),
    );
  return explain(command, {
    examples: ['skytale create acme/research/summarizer --identity alice'],
    notes: 'Others join with a token (skytale invite), or by key package (skytale key-package, skytale add).',
  });
}
