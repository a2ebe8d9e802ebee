import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain } from '../options.ts';

/** `skytale key-package`. */
export function keyPackageCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('key-package').description(
      'print a key package, for a member that adds this agent without a control plane',
    ),
  ).action((flags: AgentCommandFlags) =>
    withAgent(context, flags, async ({ client }) => {
      const keyPackage = Buffer.from(await client.generateKeyPackage()).toString('base64');
      await context.terminal.write(`${flags.json ? JSON.stringify({ key_package: keyPackage }) : keyPackage}\n`);
    }),
  );
  return explain(command, {
    examples: [
      '# bob:',
      'skytale key-package --identity bob > bob.kp',
      '# alice, who is in the channel:',
      'skytale add acme/ops/log --identity alice < bob.kp > bob.welcome',
      '# bob:',
      'skytale join acme/ops/log --welcome --identity bob < bob.welcome',
    ],
    notes: 'A key package is public. It is good for 30 days and for one join.',
  });
}
