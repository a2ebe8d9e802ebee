import { readFileSync } from 'node:fs';
import type { ChannelMessage } from '../../src/index.ts';

/** The channel that the three agents share. */
export const CHANNEL = 'acme/research/summarizer';

export type AgentName = 'alice' | 'bob' | 'carol';

/** alice: one line of the file. Numbered from 1, so that equal lines are told apart. */
export interface Line {
  readonly kind: 'line';
  readonly number: number;
  /** How many lines the file has. */
  readonly of: number;
  readonly text: string;
}

/** carol: how many words these lines have together. */
export interface Count {
  readonly kind: 'count';
  readonly fromLine: number;
  readonly toLine: number;
  readonly words: number;
}

/** carol, after the last line: how many words the file has. */
export interface Total {
  readonly kind: 'total';
  readonly words: number;
}

/** What the agents say to each other. Only they can read it. */
export type Said = Line | Count | Total;

/** Something that was said on the channel, by whom, and its place in the channel's one order. */
export interface Heard {
  readonly seq: number;
  readonly from: AgentName;
  readonly said: Said;
}

/** carol answers after as many lines. */
export const LINES_PER_ANSWER = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeSaid(said: Said): Uint8Array {
  return encoder.encode(JSON.stringify(said));
}

/** A decrypted message, in the terms of the demo. Every member of the group is one of its three agents. */
export function hear({ seq, sender, payload }: ChannelMessage): Heard {
  return { seq, from: decoder.decode(sender) as AgentName, said: JSON.parse(decoder.decode(payload)) as Said };
}

/** The lines of a text file, blank ones too. */
export function readLines(path: string): readonly string[] {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  // What follows the last line break is a line only if there is something in it.
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Whether a line of Markdown is a heading. */
export function isHeading(text: string): boolean {
  return /^#{1,6} +\S/.test(text);
}
