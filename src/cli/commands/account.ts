import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { Account } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { apiSettings } from '../settings.ts';
import { printFacts } from './print-facts.ts';

/** `skytale account`. */
export function accountCommand(context: CliContext): Command {
  const command = apiOptions(new Command('account').description('show the account of the API key')).action(
    async (flags: ApiCommandFlags) => {
      const call = { method: 'GET', path: '/v1/accounts/me' } as const;
      const account = (await callApi(context, apiSettings(context, flags), call)) as Account;
      const { email, name, plan_tier: plan, id } = account;
      await printFacts(context, flags, account, { Account: email, Name: name ?? '', Plan: plan, Id: id });
    },
  );
  return explain(command, { examples: ['skytale account', 'skytale account --json | jq -r .plan_tier'] });
}
