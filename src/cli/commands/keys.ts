import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { ListedKey } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import { table } from '../format.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { apiSettings } from '../settings.ts';

/** `skytale keys`. */
export function keysCommand(context: CliContext): Command {
  return new Command('keys')
    .description('API keys of the account')
    .addCommand(createKeyCommand(context))
    .addCommand(listKeysCommand(context))
    .addCommand(revokeKeyCommand(context));
}

function createKeyCommand(context: CliContext): Command {
  const { terminal } = context;
  const command = apiOptions(new Command('create').description('make a key; it is shown once'))
    .option('--name <name>', 'what it is for', 'default')
    .action(async ({ name, ...flags }: ApiCommandFlags<{ readonly name: string }>) => {
      const call = { method: 'POST', path: '/v1/keys', body: { name } } as const;
      const made = (await callApi(context, apiSettings(context, flags), call)) as {
        readonly key: string;
        readonly id: string;
      };
      await terminal.write(`${flags.json ? JSON.stringify(made) : made.key}\n`);
      if (!flags.json) terminal.note(`Key "${name}" (${made.id}). It is not shown again.\n`);
    });
  return explain(command, {
    examples: [
      'skytale keys create --name worker-3 > worker-3.key',
      'SKYTALE_API_KEY=$(cat worker-3.key) skytale account',
    ],
    notes: 'One key for each agent: then one can be revoked without the others.',
  });
}

function listKeysCommand(context: CliContext): Command {
  const command = apiOptions(new Command('list').description('list the keys that work')).action(
    async (flags: ApiCommandFlags) => {
      const answer = await callApi(context, apiSettings(context, flags), { method: 'GET', path: '/v1/keys' });
      const { keys } = answer as { readonly keys: readonly ListedKey[] };
      const text = table(
        ['ID', 'KEY', 'NAME', 'LAST USED', 'MADE'],
        keys.map((key) => [key.id, `${key.key_prefix}…`, key.name, key.last_used_at ?? 'never', key.created_at]),
      );
      await context.terminal.write(flags.json ? `${JSON.stringify(answer)}\n` : text);
    },
  );
  return explain(command, { examples: ['skytale keys list', "skytale keys list --json | jq -r '.keys[].id'"] });
}

function revokeKeyCommand(context: CliContext): Command {
  const command = apiOptions(
    new Command('revoke')
      .description('make a key useless, at once')
      .argument('<id>', 'as "skytale keys list" shows it'),
  ).action(async (id: string, flags: ApiCommandFlags) => {
    const call = { method: 'DELETE', path: `/v1/keys/${encodeURIComponent(id)}` } as const;
    await callApi(context, apiSettings(context, flags), call);
    await context.terminal.write(flags.json ? `${JSON.stringify({ id, revoked: true })}\n` : `revoked ${id}\n`);
  });
  return explain(command, {
    examples: ['skytale keys revoke 0191d1c2-7a4e-7c3a-9d55-0f3a0f2c9b11'],
    notes: 'Connections that were made with it end, too.',
  });
}
