import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Heard } from '../../examples/demo/chat.ts';
import { Notebook, readNotes } from '../../examples/demo/notebook.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skytale-notebook-'));
  path = join(directory, 'notes.jsonl');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const line = (seq: number, number: number, of = 2): Heard => ({
  seq,
  from: 'alice',
  said: { kind: 'line', number, of, text: `text ${number}` },
});
const total: Heard = { seq: 9, from: 'carol', said: { kind: 'total', words: 4 } };

test('has what an earlier run has noted, and does not note it again', () => {
  Notebook.open(path).note(line(5, 1));
  const notebook = Notebook.open(path);
  expect(notebook.lines).toBe(1);
  notebook.note(line(5, 1), true);
  notebook.note(line(6, 2), true);
  expect(readNotes(path)).toEqual([line(5, 1), line(6, 2)]);
  expect(notebook).toMatchObject({ lines: 2, redelivered: 1, duplicates: 0 });
});

test('tells a duplicate from a redelivery', () => {
  const notebook = Notebook.open(path);
  notebook.note(line(5, 1));
  notebook.note(line(5, 1));
  expect(notebook).toMatchObject({ redelivered: 0, duplicates: 1 });
});

test('notes equal lines that have different places', () => {
  const notebook = Notebook.open(path);
  notebook.note(line(5, 1));
  notebook.note(line(6, 1));
  expect(readNotes(path)).toHaveLength(2);
});

test('notes a heading once, in another run too', () => {
  Notebook.open(path).noteHeading(5, '# one');
  Notebook.open(path).noteHeading(5, '# one');
  expect(readNotes(path)).toEqual([{ seq: 5, heading: '# one' }]);
});

test('drops what a kill has left of a note, and goes on behind the last whole one', () => {
  Notebook.open(path).note(line(5, 1));
  appendFileSync(path, '{"seq":6,"from":"al');
  const notebook = Notebook.open(path);
  notebook.note(line(6, 2));
  expect(readNotes(path)).toEqual([line(5, 1), line(6, 2)]);
});

test('knows what is missing', () => {
  const notebook = Notebook.open(path);
  expect(notebook.missing).toBe('the first line');
  notebook.note(line(5, 1));
  expect(notebook.missing).toBe('line 2 of 2');
  notebook.note(line(6, 2));
  expect(notebook.missing).toBe("carol's total");
  notebook.note(total);
  expect(notebook.missing).toBeUndefined();
  expect(Notebook.open(path).missing).toBeUndefined();
});
