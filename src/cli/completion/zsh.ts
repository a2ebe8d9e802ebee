import type { CompletionEntry } from './words.ts';

/** A script for zsh: in a file `_skytale` on `$fpath`, or `source <(skytale completion zsh)` behind `compinit`. */
export function zshCompletion(entries: readonly CompletionEntry[]): string {
  const steps = entries
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const names = path.split(' ');
      return `      '${names.slice(0, -1).join(' ')}|${names.at(-1) ?? ''}') path_='${path}' ;;`;
    });
  const words = entries.map(({ path, commands, options }) => {
    const commandWords = commands.map(({ name, summary }) => `'${name}:${summary}'`);
    const optionWords = options.map(({ flag, summary }) => `'${flag}:${summary}'`);
    return `    '${path}') commands_=(${commandWords.join(' ')}) options_=(${optionWords.join(' ')}) ;;`;
  });
  return `#compdef skytale
# skytale completion for zsh. Load it with: source <(skytale completion zsh)
_skytale() {
  local path_='' word
  local -a commands_ options_
  for word in "\${words[@]:1:CURRENT-2}"; do
    case "$path_|$word" in
${steps.join('\n')}
    esac
  done
  case "$path_" in
${words.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe -o 'option' options_
  elif (( \${#commands_} )); then
    _describe 'command' commands_
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _skytale ]]; then _skytale "$@"; else compdef _skytale skytale; fi
`;
}
