import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain } from '../options.ts';

/** `skytale channels`. */
export function channelsCommand(context: CliContext): Command {
  const command = agentOptions(new Command('channels').description('list the channels that this agent is in')).action(
    (flags: AgentCommandFlags) =>
      withAgent(context, flags, async ({ client }) => {
        const channels = [...(await client.channels())].sort();
        const lines = flags.json ? [JSON.stringify({ channels })] : channels;
        for (const line of lines) await context.terminal.write(`${line}\n`);
        if (channels.length === 0 && !flags.json) context.terminal.note('This agent is in no channel.\n');
      }),
  );
  return explain(command, {
    examples: ['skytale channels --identity alice', 'skytale channels --json | jq -r ".channels[]"'],
  });
}
