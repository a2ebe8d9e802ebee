import type { CompletionEntry } from './words.ts';

/** A script for bash: `source <(skytale completion bash)`. */
export function bashCompletion(entries: readonly CompletionEntry[]): string {
  const steps = entries
    .filter(({ path }) => path !== '')
    .map(({ path }) => `      '${parentOf(path)}|${path.split(' ').at(-1) ?? ''}') path='${path}' ;;`);
  const words = entries.map(
    ({ path, commands, options }) =>
      `    '${path}') words='${[...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ')}' ;;`,
  );
  const choices = entries.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map((option) => `    '${path}|${option.flag}') words='${option.choices.join(' ')}' ;;`),
  );
  return `# skytale completion for bash. Load it with: source <(skytale completion bash)
_skytale() {
  local path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path|$word" in
${steps.join('\n')}
    esac
  done
  case "$path" in
${words.join('\n')}
  esac
  case "$path|\${COMP_WORDS[COMP_CWORD - 1]}" in
${choices.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _skytale skytale
`;
}

function parentOf(path: string): string {
  return path.split(' ').slice(0, -1).join(' ');
}
