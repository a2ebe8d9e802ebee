import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which of the texts stand, as they are, in a file of the directory or below it. */
export function findTexts(directory: string, texts: readonly string[]): readonly string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  return texts.filter((text) => files.some((content) => content.includes(text)));
}
