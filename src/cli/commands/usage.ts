import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { Usage } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { apiSettings } from '../settings.ts';
import { printFacts } from './print-facts.ts';

/** `skytale usage`. */
export function usageCommand(context: CliContext): Command {
  const command = apiOptions(
    new Command('usage').description('show what was used this month, and what the plan gives'),
  ).action(async (flags: ApiCommandFlags) => {
    const call = { method: 'GET', path: '/v1/usage' } as const;
    const usage = (await callApi(context, apiSettings(context, flags), call)) as Usage;
    const { messages_per_month: limit } = usage.limits;
    await printFacts(context, flags, usage, {
      Plan: usage.plan_tier,
      Since: usage.period,
      Messages: limit === null ? `${usage.messages_relayed}, no limit` : `${usage.messages_relayed} of ${limit}`,
      Tokens: String(usage.token_exchanges),
    });
  });
  return explain(command, {
    examples: ['skytale usage', "skytale usage --json | jq '.messages_relayed'"],
    notes: 'A plan begins anew on the first of each month (UTC). "skytale billing upgrade" gives more.',
  });
}
