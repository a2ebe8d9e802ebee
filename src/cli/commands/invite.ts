import { Command } from 'commander';
import { withAgent } from '../agent/with-agent.ts';
import type { CliContext } from '../context.ts';
import { type AgentCommandFlags, agentOptions, explain, wholeNumber } from '../options.ts';

type Flags = AgentCommandFlags<{
  readonly uses: number;
  readonly ttl: number;
  readonly manual: boolean;
  readonly onlyMe: boolean;
}>;

/** `skytale invite`. */
export function inviteCommand(context: CliContext): Command {
  const { terminal } = context;
  const command = agentOptions(
    new Command('invite').description('make a token with which others join a channel').argument('<channel>'),
  )
    .option('--uses <number>', 'how many agents may use it', wholeNumber(1, 10_000), 1)
    .option('--ttl <seconds>', 'how long it may be used', wholeNumber(60, 2_592_000), 3_600)
    .option('--manual', 'somebody decides on each request ("skytale requests")', false)
    .option('--only-me', 'only this agent admits, and no other member', false)
    .action((name: string, flags: Flags) =>
      withAgent(context, flags, async (session) => {
        const channel = await session.open(name);
        const { token, id, expiresAt } = await channel.client.invite({
          maxUses: flags.uses,
          ttlSeconds: flags.ttl,
          approval: flags.manual ? 'manual' : 'automatic',
          admit: flags.onlyMe ? 'issuer' : 'members',
        });
        const expires = new Date(expiresAt).toISOString();
        if (flags.json) return terminal.write(`${JSON.stringify({ channel: name, id, token, expires_at: expires })}\n`);
        await terminal.write(`${token}\n`);
        terminal.note(
          `Good for ${flags.uses === 1 ? 'one agent' : `${flags.uses} agents`} until ${expires}. It is a secret.\n`,
        );
        terminal.note(`A member has to be online to admit them: keep "skytale tail ${name}" or your agent running.\n`);
      }),
    );
  return explain(command, {
    examples: [
      'skytale invite acme/ops/log > invite.txt',
      'skytale invite acme/ops/log | ssh worker-3 skytale join acme/ops/log --identity worker-3',
      'skytale invite acme/ops/log --uses 10 --ttl 86400 --manual',
    ],
    notes: 'The token is good again for an agent that has used it and has lost its data directory.',
  });
}
