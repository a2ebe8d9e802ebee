import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHANNEL } from './chat.ts';

/** A line of the file, found where nobody should be able to read it. */
export interface Sighting {
  /** Number of the line. */
  readonly line: number;
  readonly form: string;
  readonly file: string;
}

/** Shorter lines may stand in any file by chance. */
export const MIN_DISTINCTIVE_BYTES = 12;

/** Bytes that are compared first. No form of a distinctive line is shorter. */
const WINDOW = 10;

interface Needle {
  readonly line: number;
  readonly form: string;
  /** One character a byte. */
  readonly bytes: string;
}

/** Numbers of the lines that are looked for: 12 bytes or more, and no part of the channel's name, which is no secret. */
export function distinctiveLines(lines: readonly string[]): readonly number[] {
  return lines.flatMap((text, index) => {
    const trimmed = text.trim();
    return Buffer.byteLength(trimmed) >= MIN_DISTINCTIVE_BYTES && !CHANNEL.includes(trimmed) ? [index + 1] : [];
  });
}

/**
 * Looks for the distinctive lines in all files of a directory and below: as they are, as the agents' JSON has them, and
 * both in base64 (at any offset), base64url and hexadecimal. One pass a file, however many lines there are.
 */
export function findPlaintext(directory: string, lines: readonly string[]): readonly Sighting[] {
  const needles = new Map<string, Needle[]>();
  for (const line of distinctiveLines(lines)) {
    for (const needle of formsOf(line, lines[line - 1] ?? '')) {
      const start = needle.bytes.slice(0, WINDOW);
      const others = needles.get(start);
      if (others === undefined) needles.set(start, [needle]);
      else others.push(needle);
    }
  }
  const sightings: Sighting[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = readFileSync(join(entry.parentPath, entry.name), 'latin1');
    for (let at = 0; at + WINDOW <= content.length; at += 1) {
      for (const { line, form, bytes } of needles.get(content.slice(at, at + WINDOW)) ?? []) {
        if (content.startsWith(bytes, at)) sightings.push({ line, form, file: entry.name });
      }
    }
  }
  return sightings;
}

/** All that would give a line away. */
function formsOf(line: number, text: string): readonly Needle[] {
  const plain = text.trim();
  const json = JSON.stringify(plain).slice(1, -1);
  const forms = [plain, json].flatMap((secret) => {
    const bytes = Buffer.from(secret);
    const hex = bytes.toString('hex');
    return [
      { line, form: 'plain', bytes: bytes.toString('latin1') },
      { line, form: 'hexadecimal', bytes: hex },
      { line, form: 'hexadecimal', bytes: hex.toUpperCase() },
      ...[0, 1, 2].map((offset) => ({ line, form: 'base64', bytes: base64At(offset, bytes, 'base64') })),
      ...[0, 1, 2].map((offset) => ({ line, form: 'base64url', bytes: base64At(offset, bytes, 'base64url') })),
    ];
  });
  // Many forms are the same for most lines. The first one gives the name.
  return [...new Map(forms.reverse().map((form) => [form.bytes, form])).values()];
}

/** What base64 makes of `bytes` in the middle of something: only the characters that depend on nothing but them. */
function base64At(offset: number, bytes: Buffer, encoding: 'base64' | 'base64url'): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  const complete = whole.subarray(0, whole.length - (whole.length % 3));
  // The first character that holds no bit of what stands in front.
  return complete.toString(encoding).slice(Math.ceil((offset * 8) / 6));
}
