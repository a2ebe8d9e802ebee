import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { Account } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import { credentialsPath, readCredentials, writeCredentials } from '../credentials.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { UsageError } from '../report.ts';
import { apiSettings, configDirectory, makeConfigDirectory } from '../settings.ts';

type Flags = ApiCommandFlags<{ readonly name?: string; readonly store: boolean; readonly force: boolean }>;

/** `skytale signup`. */
export function signupCommand(context: CliContext): Command {
  const command = apiOptions(
    new Command('signup').description('make an account, and get its first API key').argument('<email>'),
  )
    .option('--name <name>', 'what the account is called')
    .option('--no-store', 'print the key, and do not store it')
    .option('--force', 'store the key although one is stored already', false)
    .action((email: string, flags: Flags) => signup(context, email, flags));
  return explain(command, {
    examples: ['skytale signup you@example.com --name "Your team"', 'skytale signup you@example.com --no-store --json'],
    notes:
      'The key is shown once. It is stored in ~/.skytale/credentials.json (mode 0600), from where the other commands take it,\n' +
      'for this control plane only. SKYTALE_API_KEY wins over it.',
  });
}

async function signup(
  context: CliContext,
  email: string,
  { name, store, force, json, ...flags }: Flags,
): Promise<void> {
  const { terminal } = context;
  const directory = makeConfigDirectory(context);
  if (store && !force && readCredentials(directory) !== undefined) {
    throw new UsageError(
      `a key is stored in ${credentialsPath(directory)}: replace it with --force, or keep it with --no-store`,
    );
  }
  const settings = apiSettings(context, flags);
  const body = { email, ...(name === undefined ? {} : { name }) };
  const answer = await callApi(context, settings, { method: 'POST', path: '/v1/accounts', body, isOpen: true });
  const { account, api_key: apiKey } = answer as { readonly account: Account; readonly api_key: string };
  const stored = store ? writeCredentials(configDirectory(context), { apiKey, apiUrl: settings.apiUrl }) : null;
  if (json) return terminal.write(`${JSON.stringify({ account, api_key: apiKey, stored_in: stored })}\n`);
  await terminal.write(`${apiKey}\n`);
  terminal.note(`Account ${account.email} (${account.plan_tier}). This is its API key; it is not shown again.\n`);
  if (stored !== null) terminal.note(`Stored in ${stored}: the other commands find it there.\n`);
}
