import type { Settings } from './resolve-settings.ts';
import { findSetting, KEYS, nameIn, NAMED_SETTINGS } from './settings.ts';

/**
 * The configuration that holds, as TOML: each key with its value and where it is from. Secrets are said to be there and not
 * shown; a key without a value is a comment.
 */
export function showSettings(settings: Settings): string {
  const named = settings.keys().filter((key) => findSetting(key)?.pattern !== key);
  const sections = new Map<string, string[]>();
  for (const key of [...KEYS.keys(), ...named]) {
    const at = splitKey(key);
    const lines = sections.get(at.section) ?? [];
    lines.push(line(settings, key, at.name));
    sections.set(at.section, lines);
  }
  return [...sections].map(([section, lines]) => `[${section}]\n${lines.join('\n')}\n`).join('\n');
}

function line(settings: Settings, key: string, name: string): string {
  const setting = findSetting(key)?.setting;
  const source = settings.sourceOf(key) ?? 'default';
  if (setting?.isSecret === true) {
    return source === 'default' ? `# ${name} is not set` : `# ${name} is set, and not shown (${source})`;
  }
  const value = setting?.toFile(settings.valueOf(key));
  return value === undefined ? `# ${name} is not set` : `${name} = ${toml(value)} # ${source}`;
}

/** Names of the operator's choice may hold dots. */
function splitKey(key: string): { readonly section: string; readonly name: string } {
  for (const pattern of Object.keys(NAMED_SETTINGS)) {
    const chosen = nameIn(pattern, key);
    if (chosen === undefined) continue;
    const [section, name] = split(pattern);
    return { section: section.replace('*', quoted(chosen)), name: name.replace('*', quoted(chosen)) };
  }
  const [section, name] = split(key);
  return { section, name };
}

function quoted(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}

function split(key: string): [string, string] {
  const dot = key.lastIndexOf('.');
  return [key.slice(0, dot), key.slice(dot + 1)];
}

/** JSON's texts, numbers and lists are TOML's as well. */
function toml(value: unknown): string {
  return JSON.stringify(value);
}
