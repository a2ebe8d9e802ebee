import { type AgentName, type Heard, LINES_PER_ANSWER, type Said } from './chat.ts';
import { messagesIn, type Note } from './notebook.ts';
import { distinctiveLines, type Sighting } from './plaintext.ts';
import type { Counts } from './protocol.ts';

/** What the checks judge. */
export interface Evidence {
  /** The file. */
  readonly lines: readonly string[];
  /** The notebooks, as they are on disk at the end. */
  readonly notes: Readonly<Record<AgentName, readonly Note[]>>;
  readonly counts: Readonly<Record<AgentName, Counts>>;
  /** Lines that were on their way to the relay, and to bob, when they were killed. */
  readonly linesInFlight: { readonly relay: number; readonly bob: number };
  /** Plaintext in the relay's files. */
  readonly sightings: readonly Sighting[];
  /** What the same search finds in bob's notebook, where everything stands in the clear. */
  readonly control: readonly Sighting[];
}

export interface CheckResult {
  readonly name: string;
  readonly isOk: boolean;
  /** What was found wrong; empty if nothing was. */
  readonly problems: readonly string[];
}

const AGENTS = ['alice', 'bob', 'carol'] as const;

/** Judges a run. Uses nothing but the file, the notebooks and what was counted. */
export function check(evidence: Evidence): readonly CheckResult[] {
  const { notes, counts, linesInFlight, sightings } = evidence;
  const messages = {
    alice: messagesIn(notes.alice),
    bob: messagesIn(notes.bob),
    carol: messagesIn(notes.carol),
  };
  const expectedLines = evidence.lines.map((text, index) => `alice: line ${index + 1}: ${text}`);
  const expectedAnswers = answersTo(evidence.lines);
  const forEach = (judge: (name: AgentName) => readonly string[]): string[] =>
    AGENTS.flatMap((name) => judge(name).map((problem) => `${name}: ${problem}`));

  return [
    result(
      'all three have every line exactly once',
      forEach((name) => differences(expectedLines, messages[name].filter(isFromAlice).map(describe))),
    ),
    result(
      'all three have every answer of carol exactly once',
      forEach((name) =>
        differences(expectedAnswers, messages[name].filter((heard) => !isFromAlice(heard)).map(describe)),
      ),
    ),
    result(
      'all three have them in one order',
      forEach((name) => [...disorder(name, messages[name]), ...otherPlaces(messages[name], messages.alice)]),
    ),
    result(
      'bob has exactly the headings of the file',
      differences(headingsOf(evidence.lines), headingNotes(notes.bob)),
    ),
    result(
      'nothing was lost, doubled, undecipherable or at fault',
      forEach((name) => troubles(counts[name])),
    ),
    result('the relay was killed midway', linesInFlight.relay > 0 ? [] : ['no line was waiting for its answer']),
    result('bob was killed midway', linesInFlight.bob > 0 ? [] : ['no line was on its way to him']),
    result(
      "no line is readable in the relay's files",
      sightings.map(({ line, form, file }) => `line ${line} stands in ${file} (${form})`),
    ),
    result("the search for readable lines finds them in bob's notebook", overlooked(evidence)),
  ];
}

function result(name: string, problems: readonly string[]): CheckResult {
  return { name, isOk: problems.length === 0, problems };
}

function isFromAlice({ from }: Heard): boolean {
  return from === 'alice';
}

function describe({ from, said }: Heard): string {
  return `${from}: ${describeSaid(said)}`;
}

function describeSaid(said: Said): string {
  if (said.kind === 'line') return `line ${said.number}: ${said.text}`;
  if (said.kind === 'total') return `${said.words} words in all`;
  return `${said.words} words in lines ${said.fromLine} to ${said.toLine}`;
}

/** What carol should have said, worked out from the file. */
function answersTo(lines: readonly string[]): readonly string[] {
  const words = (part: readonly string[]): number =>
    part
      .join('\n')
      .split(/\s/)
      .filter((word) => word !== '').length;
  const answers: string[] = [];
  for (let to = LINES_PER_ANSWER; to <= lines.length; to += LINES_PER_ANSWER) {
    const from = to - LINES_PER_ANSWER;
    answers.push(`carol: ${words(lines.slice(from, to))} words in lines ${from + 1} to ${to}`);
  }
  return [...answers, `carol: ${words(lines)} words in all`];
}

/** The headings of the file, by the letter: one to six `#`, a blank, something else. */
function headingsOf(lines: readonly string[]): readonly string[] {
  return lines.flatMap((text, index) => {
    const level = text.length - text.replace(/^#+/, '').length;
    const isHeading = level >= 1 && level <= 6 && text[level] === ' ' && text.slice(level).trim() !== '';
    return isHeading ? [`line ${index + 1}: ${text}`] : [];
  });
}

/** The headings that are noted, each as the line that was said at its place. */
function headingNotes(notes: readonly Note[]): readonly string[] {
  const numbers = new Map(messagesIn(notes).map(({ seq, said }) => [seq, said.kind === 'line' ? said.number : 0]));
  return notes.flatMap((note) => ('heading' in note ? [`line ${numbers.get(note.seq) ?? 0}: ${note.heading}`] : []));
}

/** Where two lists of things, in any order, are not the same. */
function differences(expected: readonly string[], found: readonly string[]): readonly string[] {
  const surplus = new Map<string, number>();
  for (const each of found) surplus.set(each, (surplus.get(each) ?? 0) + 1);
  for (const each of expected) surplus.set(each, (surplus.get(each) ?? 0) - 1);
  return [...surplus].flatMap(([each, count]) => {
    if (count === 0) return [];
    return [count < 0 ? `misses “${each}”` : `has “${each}” ${count} times too often`];
  });
}

/** Lines that do not stand in the file's order, and messages that came before one that precedes them. */
function disorder(name: AgentName, messages: readonly Heard[]): readonly string[] {
  const bySeq = [...messages].sort((one, other) => one.seq - other.seq);
  const numbers = bySeq.flatMap(({ said }) => (said.kind === 'line' ? [said.number] : []));
  const seqs = messages.filter(({ from }) => from !== name).map(({ seq }) => seq);
  return [
    ...descents(numbers).map(([before, after]) => `line ${after} stands behind line ${before}`),
    ...descents(seqs).map(([before, after]) => `message ${after} came after message ${before}`),
  ];
}

function descents(values: readonly number[]): readonly (readonly [number, number])[] {
  return values.flatMap((value, index) => {
    const before = values[index - 1];
    return before !== undefined && value <= before ? [[before, value] as const] : [];
  });
}

/** Messages that have another place in the channel's order here than there. */
function otherPlaces(here: readonly Heard[], there: readonly Heard[]): readonly string[] {
  const places = new Map(there.map((heard) => [describe(heard), heard.seq]));
  return here.flatMap((heard) => {
    const place = places.get(describe(heard));
    if (place === undefined || place === heard.seq) return [];
    return [`“${describe(heard)}” has place ${heard.seq}, with alice it has ${place}`];
  });
}

function troubles({ duplicates, gaps, decryptFailures, otherFaults }: Counts): readonly string[] {
  const found = { duplicates, gaps, 'decrypt failures': decryptFailures, 'other faults': otherFaults };
  return Object.entries(found).flatMap(([trouble, count]) => (count === 0 ? [] : [`${count} ${trouble}`]));
}

/** A search that finds nothing proves something only if it can find. */
function overlooked({ lines, control }: Evidence): readonly string[] {
  const distinctive = distinctiveLines(lines);
  if (distinctive.length === 0) return ['the file has no line that is distinctive enough to be looked for'];
  const found = new Set(control.map(({ line }) => line));
  return distinctive.filter((line) => !found.has(line)).map((line) => `line ${line} was not found`);
}
