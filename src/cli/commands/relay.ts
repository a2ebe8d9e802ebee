import type { Command } from 'commander';
import { relayProgram } from '../../relay/index.ts';
import type { CliContext } from '../context.ts';
import { explain } from '../options.ts';

/** `skytale relay`, which is `skytale-relay`. */
export function relayCommand(context: CliContext): Command {
  const command = relayProgram('relay')
    .summary('run a relay alone, as skytale-relay does')
    .hook('preAction', () => {
      context.isSignalAnEnd = true;
    })
    .hook('postAction', () => {
      context.exitCode = Number(process.exitCode ?? 0);
    });
  return explain(command, {
    examples: [
      'skytale relay --data-dir ./relay',
      'SKYTALE_RELAY_JWT_SECRET_FILE=jwt_secret skytale relay --host 0.0.0.0 --data-dir /var/lib/skytale-relay',
    ],
  });
}
