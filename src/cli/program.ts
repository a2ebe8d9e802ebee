import { Command } from 'commander';
import { accountCommand } from './commands/account.ts';
import { addCommand } from './commands/add.ts';
import { benchCommand } from './commands/bench.ts';
import { billingCommand } from './commands/billing.ts';
import { channelsCommand } from './commands/channels.ts';
import { createCommand } from './commands/create.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { inviteCommand } from './commands/invite.ts';
import { joinCommand } from './commands/join.ts';
import { keyPackageCommand } from './commands/key-package.ts';
import { keysCommand } from './commands/keys.ts';
import { leaveCommand } from './commands/leave.ts';
import { membersCommand } from './commands/members.ts';
import { relayCommand } from './commands/relay.ts';
import { removeCommand } from './commands/remove.ts';
import { requestsCommand } from './commands/requests.ts';
import { rotateCommand } from './commands/rotate.ts';
import { sendCommand } from './commands/send.ts';
import { signupCommand } from './commands/signup.ts';
import { tailCommand } from './commands/tail.ts';
import { tokenCommand } from './commands/token.ts';
import { treeCommand } from './commands/tree.ts';
import { upCommand } from './commands/up.ts';
import { usageCommand } from './commands/usage.ts';
import { completionCommand } from './completion/completion.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES_TEXT } from './exit-code.ts';
import { packageVersion } from './package-version.ts';

const ENVIRONMENT_TEXT = `Environment:
  SKYTALE_API_KEY    API key; otherwise the one that signup has stored in ~/.skytale/credentials.json
  SKYTALE_RELAY      the relay (https://relay.skytale.sh:5000)
  SKYTALE_API_URL    the control plane (https://api.skytale.sh)
  SKYTALE_IDENTITY   who the agent is; otherwise the first line of ~/.skytale/identity
  SKYTALE_DATA_DIR   the agent's keys and channels (~/.skytale/<identity in hex>)
  SKYTALE_STATE_KEY, SKYTALE_STATE_KEY_FILE
                     what the data directory is encrypted under
  NO_COLOR           no colours`;

/** The whole command line, bound to where it runs. */
export function createProgram(context: CliContext): Command {
  const program = new Command('skytale')
    .description('End-to-end encrypted channels between agents.')
    .version(packageVersion(), '-V, --version')
    // Options belong to the command that they stand behind.
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show what a command does')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Begin here:
  $ skytale up --account you@example.com     # a relay and a control plane on this machine
  $ skytale create acme/ops/log --identity alice
  $ skytale tail acme/ops/log --identity alice
  $ cat log | skytale send acme/ops/log - --identity bob

${ENVIRONMENT_TEXT}

${EXIT_CODES_TEXT}`,
    );
  const groups: readonly (readonly [string, readonly ((context: CliContext) => Command)[]])[] = [
    ['Channels:', [createCommand, channelsCommand, inviteCommand, joinCommand, sendCommand, tailCommand, leaveCommand]],
    ['Members:', [membersCommand, requestsCommand, addCommand, removeCommand, rotateCommand, keyPackageCommand]],
    ['Account:', [signupCommand, accountCommand, keysCommand, tokenCommand, usageCommand, billingCommand]],
    ['Servers:', [upCommand, relayCommand, demoCommand]],
    ['Look:', [doctorCommand, treeCommand, benchCommand, completionCommand]],
  ];
  for (const [heading, commands] of groups) {
    for (const command of commands) program.addCommand(command(context).helpGroup(heading));
  }
  bind(program, context);
  return program;
}

/** Output and errors go where the context says, in all sub-commands too; the process is never ended from inside. */
function bind(command: Command, context: CliContext): void {
  const { terminal } = context;
  command.exitOverride().configureOutput({
    writeOut: (text) => void terminal.write(text).catch(() => undefined), // who does not read the help has seen enough
    writeErr: (text) => terminal.note(text),
    // Told once, with the exit code, where the command ends.
    outputError: () => undefined,
    getOutHelpWidth: () => Math.min(terminal.columns(), 120),
    getErrHelpWidth: () => Math.min(terminal.columns(), 120),
    getOutHasColors: () => terminal.hasColour,
    getErrHasColors: () => false,
  });
  for (const child of command.commands) bind(child, context);
}
