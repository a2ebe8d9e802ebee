import type { AgentName, Heard, Said } from '../../examples/demo/chat.ts';
import type { Evidence } from '../../examples/demo/check.ts';
import type { Note } from '../../examples/demo/notebook.ts';
import type { Counts } from '../../examples/demo/protocol.ts';

/** Twelve lines: two headings, two blank lines, two that are equal. */
export const LINES = [
  '# The first heading',
  '',
  'one two three four',
  'the same line twice',
  'the same line twice',
  '',
  '## Überschrift: 日本語',
  'five six seven eight',
  'nine ten eleven twelve',
  '#no heading, as it has no blank',
  'thirteen fourteen fifteen',
  'the last line of them',
] as const;

const NO_TROUBLE: Counts = {
  redelivered: 0,
  duplicates: 0,
  gaps: 0,
  decryptFailures: 0,
  otherFaults: 0,
  reconnects: 1,
};

/** The log that a good run has: the lines from place 3 on, carol's answers where they fell. Counted by hand. */
function log(): Heard[] {
  const said: [AgentName, Said][] = LINES.map((text, index) => [
    'alice',
    { kind: 'line', number: index + 1, of: LINES.length, text },
  ]);
  said.splice(11, 0, ['carol', { kind: 'count', fromLine: 1, toLine: 10, words: 34 }]);
  said.push(['carol', { kind: 'total', words: 42 }]);
  return said.map(([from, what], index) => ({ seq: index + 3, from, said: what }));
}

/** What a good run leaves. Every call makes a new one, to be doctored. */
export function goodEvidence(): Evidence & { readonly notes: Record<AgentName, Note[]> } {
  const bob: Note[] = log();
  bob.push({ seq: 3, heading: '# The first heading' }, { seq: 9, heading: '## Überschrift: 日本語' });
  return {
    lines: LINES,
    notes: { alice: log(), bob, carol: log() },
    counts: { alice: { ...NO_TROUBLE }, bob: { ...NO_TROUBLE, redelivered: 3 }, carol: { ...NO_TROUBLE } },
    linesInFlight: { relay: 4, bob: 2 },
    sightings: [],
    control: LINES.map((_, index) => ({ line: index + 1, form: 'plain', file: 'notes.jsonl' })),
  };
}
