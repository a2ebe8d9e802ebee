import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { CliContext } from '../context.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { apiSettings } from '../settings.ts';

/** `skytale token`. */
export function tokenCommand(context: CliContext): Command {
  const command = apiOptions(
    new Command('token').description('exchange the API key for a token of an hour, and print it'),
  ).action(async (flags: ApiCommandFlags) => {
    const answer = await callApi(context, apiSettings(context, flags), { method: 'POST', path: '/v1/tokens' });
    const { token } = answer as { readonly token: string };
    await context.terminal.write(`${flags.json ? JSON.stringify({ token }) : token}\n`);
  });
  return explain(command, {
    examples: ['curl -H "Authorization: Bearer $(skytale token)" "$SKYTALE_API_URL/v1/usage"'],
    notes: 'Agents do this by themselves. The token is a secret until it is over.',
  });
}
