import { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { checkAgent } from '../doctor/agent-checks.ts';
import type { Finding } from '../doctor/finding.ts';
import { skipped } from '../doctor/finding.ts';
import { checkChannelName, checkDataDirectory, checkKey, checkRuntime } from '../doctor/local-checks.ts';
import { checkAccount, checkHealth } from '../doctor/network-checks.ts';
import { EXIT } from '../exit-code.ts';
import { styled } from '../format.ts';
import { type AgentCommandFlags, agentOptions, explain } from '../options.ts';
import { UsageError } from '../report.ts';
import { agentSettings, apiSettings, relayAddress } from '../settings.ts';

/** `skytale doctor`. */
export function doctorCommand(context: CliContext): Command {
  const command = agentOptions(
    new Command('doctor')
      .description('look for what is wrong, and say what to do')
      .argument('[channel]', 'a name to check'),
  ).action(async (channel: string | undefined, flags: AgentCommandFlags) => {
    const findings: Finding[] = [];
    const failures = (): number => findings.filter(({ status }) => status === 'failure').length;
    for await (const finding of examine(context, flags, channel)) {
      findings.push(finding);
      if (!flags.json) await context.terminal.write(findingText(context, finding));
    }
    if (flags.json) await context.terminal.write(`${JSON.stringify({ healthy: failures() === 0, findings })}\n`);
    context.exitCode = failures() === 0 ? EXIT.ok : EXIT.failure;
  });
  return explain(command, {
    examples: [
      'skytale doctor',
      'skytale doctor acme/ops/log --identity alice',
      "skytale doctor --json | jq '.findings[] | select(.fix)'",
    ],
    notes:
      'Exit code 1 if something fails; warnings do not count. It changes nothing, and makes no agent that is not there.',
  });
}

async function* examine(
  context: CliContext,
  flags: AgentCommandFlags,
  channel: string | undefined,
): AsyncGenerator<Finding, void> {
  yield* checkRuntime();
  if (channel !== undefined) yield checkChannelName(channel);
  const api = apiSettings(context, flags);
  yield checkKey(context, api);
  yield* await checkHealth(context, 'control-plane', api.apiUrl);
  yield* await checkAccount(context, api);
  yield* await checkHealth(context, 'relay', relayAddress(context, flags));
  const settings = settingsOf(context, flags);
  if (settings === undefined) {
    yield skipped('agent', 'no identity: give --identity, or set SKYTALE_IDENTITY');
    return;
  }
  yield checkDataDirectory(settings);
  yield* await checkAgent(context, flags, settings);
}

function settingsOf(context: CliContext, flags: AgentCommandFlags): ReturnType<typeof agentSettings> | undefined {
  try {
    return agentSettings(context, flags);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

const MARKS = {
  ok: ['ok', 'green'],
  warning: ['warn', 'yellow'],
  failure: ['FAIL', 'red'],
  skipped: ['-', 'dim'],
} as const;

function findingText({ terminal }: CliContext, { check, status, detail, fix }: Finding): string {
  const [mark, style] = MARKS[status];
  return `${styled(terminal, style, mark.padEnd(4))}  ${check}: ${detail}\n${fix === undefined ? '' : `      → ${fix}\n`}`;
}
