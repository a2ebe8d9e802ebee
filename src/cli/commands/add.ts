import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, seconds } from '../options.ts';
import { base64Input } from './base64-input.ts';

type Flags = AgentCommandFlags<{ readonly timeout: number }>;

/** `skytale add`. */
export function addCommand(context: CliContext): Command {
  const { terminal } = context;
  const command = agentOptions(
    new Command('add')
      .description('add a member by its key package, from stdin; prints the Welcome for it')
      .argument('<channel>'),
  )
    .option('--timeout <seconds>', 'how long the relay may take', seconds, 30_000)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const keyPackage = await base64Input(context, 'a key package');
        const channel = await session.open(name);
        await channel.live(context.clock, flags.timeout, terminal.signal);
        const welcome = Buffer.from(await channel.client.addMember(keyPackage)).toString('base64');
        const members = channel.state.members.length;
        const answer = { channel: name, epoch: String(channel.state.epoch), members, welcome };
        await terminal.write(`${flags.json ? JSON.stringify(answer) : welcome}\n`);
        if (!flags.json) terminal.note(`added to ${name} (${members} members); hand the Welcome to the new one\n`);
      }),
    );
  return explain(command, {
    examples: ['skytale add acme/ops/log --identity alice < bob.kp > bob.welcome'],
    notes:
      'With a control plane, "skytale invite" and "skytale join" are one step each. See also: skytale key-package --help',
  });
}
