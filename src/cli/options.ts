import { Command, InvalidArgumentError, Option } from 'commander';
import type { AgentFlags, ApiFlags } from './settings.ts';

/** What a command's help shows below its options. */
export interface HelpText {
  /** Lines of a shell, each to be tried as it is. */
  readonly examples: readonly string[];
  /** What else somebody who reads the help wants to know. */
  readonly notes?: string;
}

/** Gives a command its examples. */
export function explain(command: Command, { examples, notes }: HelpText): Command {
  const lines = examples.map((line) => `  ${line.startsWith('#') ? '' : '$ '}${line}`).join('\n');
  return command.addHelpText('after', `\nExamples:\n${lines}${notes === undefined ? '' : `\n\n${notes}`}`);
}

/** `--json`, which every command has. */
export function jsonOption(command: Command, what: string = 'print one JSON object'): Command {
  return command.option('--json', what, false);
}

/** The options of commands that talk to the control plane. */
export function apiOptions(command: Command, what?: string): Command {
  return jsonOption(command, what).addOption(
    new Option(
      '--api-url <url>',
      'the control plane (SKYTALE_API_URL); the key is in SKYTALE_API_KEY or was stored by signup',
    ),
  );
}

/** The options of commands that act as an agent. */
export function agentOptions(command: Command, what?: string): Command {
  return apiOptions(
    command
      .option('--identity <name>', 'who the agent is (SKYTALE_IDENTITY)')
      .option(
        '--data-dir <directory>',
        'its keys and channels (SKYTALE_DATA_DIR; default ~/.skytale/<identity in hex>)',
      )
      .option('--relay <url>', 'the relay (SKYTALE_RELAY)'),
    what,
  );
}

/** Flags of {@link agentOptions}, with those of the command itself. */
export type AgentCommandFlags<Own = object> = AgentFlags & Own;

/** Flags of {@link apiOptions}, with those of the command itself. */
export type ApiCommandFlags<Own = object> = ApiFlags & Own;

/** Parses a whole number in a range. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** Parses a duration in seconds, also a fraction of one; returns milliseconds. */
export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && value > 0 && value <= 86_400) return Math.ceil(value * 1_000);
  throw new InvalidArgumentError('Expected seconds, more than 0 and at most 86400.');
}
