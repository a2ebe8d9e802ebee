import { styleText } from 'node:util';
import type { Style, Terminal } from './terminal.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });
// What makes a terminal do something, or letters change places.
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** `text` in a style, where the terminal has colours. */
export function styled(terminal: Pick<Terminal, 'hasColour'>, style: Style, text: string): string {
  return terminal.hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** Bytes as text, if they are UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What somebody else has sent, made harmless for a terminal: control characters are shown as they are written in JSON. */
export function harmless(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === '\t') return character;
    return `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`;
  });
}

/** An identity for people and for JSON: its text if it is text of one line, else `0x` and hexadecimal digits. */
export function identityText(identity: Uint8Array): string {
  const text = textOf(identity);
  if (text !== undefined && text !== '' && harmless(text) === text && !text.startsWith('0x')) return text;
  return `0x${Buffer.from(identity).toString('hex')}`;
}

/** What {@link identityText} was given. */
export function identityBytes(text: string): Uint8Array {
  if (/^0x(?:[0-9a-f]{2})+$/.test(text)) return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
  return new TextEncoder().encode(text);
}

/** Rows as aligned columns, with a heading. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [headings, ...rows].map((row) => `${line(row)}\n`).join('');
}
