import { describe, expect, test } from 'vitest';
import { check, type Evidence } from '../../examples/demo/check.ts';
import type { Heard } from '../../examples/demo/chat.ts';
import type { Note } from '../../examples/demo/notebook.ts';
import { goodEvidence } from './evidence.ts';

const LINES_ONCE = 'all three have every line exactly once';
const ANSWERS_ONCE = 'all three have every answer of carol exactly once';
const ONE_ORDER = 'all three have them in one order';
const HEADINGS = 'bob has exactly the headings of the file';
const NO_TROUBLE = 'nothing was lost, doubled, undecipherable or at fault';

/** The checks that fail, with what they found. */
function failures(evidence: Evidence): Record<string, readonly string[]> {
  return Object.fromEntries(check(evidence).flatMap(({ name, isOk, problems }) => (isOk ? [] : [[name, problems]])));
}

function messageAt(notes: Note[], index: number): Heard {
  const note = notes[index];
  if (note === undefined || !('said' in note)) throw new Error(`there is no message at ${index}`);
  return note;
}

test('a good run passes every check', () => {
  const results = check(goodEvidence());
  expect(results).toHaveLength(9);
  expect(results.filter(({ isOk }) => !isOk)).toEqual([]);
});

describe('names the violation when', () => {
  test('a line is missing', () => {
    const evidence = goodEvidence();
    evidence.notes.carol.splice(2, 1);
    expect(failures(evidence)).toEqual({ [LINES_ONCE]: ['carol: misses “alice: line 3: one two three four”'] });
  });

  test('a line is doubled under another place', () => {
    const evidence = goodEvidence();
    evidence.notes.bob.push({ ...messageAt(evidence.notes.bob, 2), seq: 99 });
    expect(Object.keys(failures(evidence))).toEqual([LINES_ONCE, ONE_ORDER]);
    expect(failures(evidence)[LINES_ONCE]).toEqual(['bob: has “alice: line 3: one two three four” 1 times too often']);
  });

  test('one of two equal lines stands for the other', () => {
    const evidence = goodEvidence();
    const fourth = messageAt(evidence.notes.bob, 3);
    evidence.notes.bob[4] = { ...messageAt(evidence.notes.bob, 4), said: fourth.said };
    expect(Object.keys(failures(evidence))).toContain(LINES_ONCE);
  });

  test('a line has another text', () => {
    const evidence = goodEvidence();
    const third = messageAt(evidence.notes.alice, 2);
    evidence.notes.alice[2] = { ...third, said: { kind: 'line', number: 3, of: 12, text: 'forged' } };
    expect(Object.keys(failures(evidence))).toEqual([LINES_ONCE]);
  });

  test('lines have changed places', () => {
    const evidence = goodEvidence();
    const [third, fourth] = [messageAt(evidence.notes.carol, 2), messageAt(evidence.notes.carol, 3)];
    evidence.notes.carol.splice(2, 2, { ...fourth, seq: third.seq }, { ...third, seq: fourth.seq });
    expect(Object.keys(failures(evidence))).toEqual([ONE_ORDER]);
    expect(failures(evidence)[ONE_ORDER]).toContain('carol: line 3 stands behind line 4');
  });

  test('messages came in another order than that of their places', () => {
    const evidence = goodEvidence();
    evidence.notes.bob.splice(2, 2, messageAt(evidence.notes.bob, 3), messageAt(evidence.notes.bob, 2));
    expect(failures(evidence)).toEqual({ [ONE_ORDER]: ['bob: message 5 came after message 6'] });
  });

  test('a line has another place with one of them', () => {
    const evidence = goodEvidence();
    const last = messageAt(evidence.notes.bob, 12);
    evidence.notes.bob[12] = { ...last, seq: last.seq + 20 };
    evidence.notes.bob[13] = { ...messageAt(evidence.notes.bob, 13), seq: last.seq + 21 };
    expect(Object.keys(failures(evidence))).toEqual([ONE_ORDER]);
  });

  test('everybody has the lines in the same wrong order', () => {
    const evidence = goodEvidence();
    for (const notes of Object.values(evidence.notes)) {
      const [third, fourth] = [messageAt(notes, 2), messageAt(notes, 3)];
      notes.splice(2, 2, { ...fourth, seq: third.seq }, { ...third, seq: fourth.seq });
    }
    expect(Object.keys(failures(evidence))).toEqual([ONE_ORDER]);
  });

  test('an answer is missing, doubled or wrong', () => {
    const missing = goodEvidence();
    missing.notes.alice.splice(11, 1);
    expect(failures(missing)).toEqual({ [ANSWERS_ONCE]: ['alice: misses “carol: 34 words in lines 1 to 10”'] });
    const doubled = goodEvidence();
    doubled.notes.bob.push({ ...messageAt(doubled.notes.bob, 13), seq: 99 });
    expect(Object.keys(failures(doubled))).toEqual([ANSWERS_ONCE, ONE_ORDER]);
    const wrong = goodEvidence();
    for (const notes of Object.values(wrong.notes)) {
      notes[13] = { ...messageAt(notes, 13), said: { kind: 'total', words: 41 } };
    }
    expect(Object.keys(failures(wrong))).toEqual([ANSWERS_ONCE]);
  });

  test('a heading is missing, doubled or none', () => {
    const missing = goodEvidence();
    missing.notes.bob.pop();
    expect(failures(missing)).toEqual({ [HEADINGS]: ['misses “line 7: ## Überschrift: 日本語”'] });
    const doubled = goodEvidence();
    doubled.notes.bob.push({ seq: 3, heading: '# The first heading' });
    expect(Object.keys(failures(doubled))).toEqual([HEADINGS]);
    const none = goodEvidence();
    none.notes.bob.push({ seq: 12, heading: '#no heading, as it has no blank' });
    expect(Object.keys(failures(none))).toEqual([HEADINGS]);
  });

  test.each(['duplicates', 'gaps', 'decryptFailures', 'otherFaults'] as const)('there are %s', (trouble) => {
    const evidence = goodEvidence();
    const counts = { ...evidence.counts, carol: { ...evidence.counts.carol, [trouble]: 2 } };
    expect(Object.keys(failures({ ...evidence, counts }))).toEqual([NO_TROUBLE]);
  });

  test('somebody was killed in a quiet moment', () => {
    expect(Object.keys(failures({ ...goodEvidence(), linesInFlight: { relay: 0, bob: 2 } }))).toEqual([
      'the relay was killed midway',
    ]);
    expect(Object.keys(failures({ ...goodEvidence(), linesInFlight: { relay: 4, bob: 0 } }))).toEqual([
      'bob was killed midway',
    ]);
  });

  test('the relay can read a line', () => {
    const sightings = [{ line: 3, form: 'base64', file: 'relay.db' }];
    expect(failures({ ...goodEvidence(), sightings })).toEqual({
      "no line is readable in the relay's files": ['line 3 stands in relay.db (base64)'],
    });
  });

  test('the search for readable lines is blind', () => {
    const evidence = goodEvidence();
    expect(Object.keys(failures({ ...evidence, control: evidence.control.slice(0, -1) }))).toEqual([
      "the search for readable lines finds them in bob's notebook",
    ]);
  });
});
