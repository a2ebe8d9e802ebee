import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { base64Input } from './base64-input.ts';
import { printState } from './print-state.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number; readonly welcome: boolean }>;

/** `skytale join`. */
export function joinCommand(context: CliContext): Command {
  const command = agentOptions(new Command('join').description('join a channel').argument('<channel>'))
    .option('--welcome', 'join with a Welcome from "skytale add", on stdin', false)
    .option('--timeout <seconds>', 'how long it may take', seconds, 60_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const welcome = await base64Input(context, 'a Welcome');
        const channel = session.adopt(await session.client.joinChannel(name, welcome));
        const state = await channel.live(context.clock, flags.timeout, context.terminal.signal);
        await printState(context, flags, state, `joined ${name}`);
      }),
    );
  return explain(command, { examples: ['skytale join acme/ops/log --welcome --identity bob < bob.welcome'] });
}
