import { Command } from 'commander';
import { callApi } from '../api/control-api.ts';
import type { Billing } from '../api/shapes.ts';
import type { CliContext } from '../context.ts';
import { type ApiCommandFlags, apiOptions, explain } from '../options.ts';
import { apiSettings } from '../settings.ts';
import { printFacts } from './print-facts.ts';

/** `skytale billing`. */
export function billingCommand(context: CliContext): Command {
  const command = apiOptions(new Command('billing').description('show the plan; "upgrade" changes it'))
    // Options behind "upgrade" are those of "upgrade".
    .enablePositionalOptions()
    .action(async (flags: ApiCommandFlags) => {
      const call = { method: 'GET', path: '/v1/billing' } as const;
      const billing = (await callApi(context, apiSettings(context, flags), call)) as Billing;
      await printFacts(context, flags, billing, {
        Plan: billing.plan,
        Status: billing.status,
        [billing.cancel_at_period_end ? 'Ends' : 'Renews']: billing.current_period_end ?? '',
      });
    })
    .addCommand(linkCommand(context, upgrade))
    .addCommand(linkCommand(context, portal));
  return explain(command, { examples: ['skytale billing', 'skytale billing upgrade pro'] });
}

/** A call that answers with an address to open in a browser. */
interface Link {
  readonly command: Command;
  readonly path: string;
  readonly field: 'checkout_url' | 'portal_url';
  readonly example: string;
}

const upgrade = (): Link => ({
  command: new Command('upgrade')
    .description('print where to pay for a larger plan')
    .argument('[tier]', 'pro or enterprise', 'pro'),
  path: '/v1/billing/checkout',
  field: 'checkout_url',
  example: 'skytale billing upgrade pro',
});

const portal = (): Link => ({
  command: new Command('portal').description('print where to change or cancel the plan'),
  path: '/v1/billing/portal',
  field: 'portal_url',
  example: 'skytale billing portal',
});

function linkCommand(context: CliContext, makeLink: () => Link): Command {
  const { command: bare, path, field, example } = makeLink();
  const command = apiOptions(bare).action(async (...args: readonly unknown[]) => {
    const tier = typeof args[0] === 'string' ? args[0] : undefined;
    const flags = command.opts<ApiCommandFlags>();
    const call = { method: 'POST', path, ...(tier === undefined ? {} : { body: { tier } }) } as const;
    const answer = (await callApi(context, apiSettings(context, flags), call)) as Readonly<Record<string, string>>;
    await context.terminal.write(`${flags.json ? JSON.stringify(answer) : (answer[field] ?? '')}\n`);
  });
  return explain(command, { examples: [example], notes: 'Prints an address to open in a browser.' });
}
