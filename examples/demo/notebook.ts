import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { type Observable, Subject } from 'rxjs';
import type { Heard } from './chat.ts';

/** A heading that bob has found. */
export interface Heading {
  readonly seq: number;
  readonly heading: string;
}

/** One line of a notebook. */
export type Note = Heard | Heading;

/**
 * What an agent has heard and said, as lines of JSON in a file of its own.
 *
 * A note is in the file when the call that makes it returns, so it survives SIGKILL. A consumer that notes a message and
 * only then acknowledges it gets that message again if it was killed in between; the sequence number tells that the
 * note is there already. This is how at-least-once delivery becomes exactly-once work.
 */
export class Notebook {
  readonly #path: string;
  readonly #said = new Set<number>();
  readonly #headings = new Set<number>();
  readonly #changes$ = new Subject<void>();
  #lines = 0;
  #linesExpected: number | undefined;
  #hasTotal = false;
  #redelivered = 0;
  #duplicates = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Opens the notebook at `path`, with what an earlier run has written. */
  static open(path: string): Notebook {
    const notebook = new Notebook(path);
    if (existsSync(path)) {
      dropTornNote(path);
      for (const note of readNotes(path)) notebook.#remember(note);
    }
    return notebook;
  }

  /** After each change. Hot, no replay. */
  get changes$(): Observable<void> {
    return this.#changes$;
  }

  /** Lines of the file that are noted. */
  get lines(): number {
    return this.#lines;
  }

  get redelivered(): number {
    return this.#redelivered;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** What is not noted yet; `undefined` if that is nothing. */
  get missing(): string | undefined {
    if (this.#linesExpected === undefined) return 'the first line';
    if (this.#lines < this.#linesExpected) return `line ${this.#lines + 1} of ${this.#linesExpected}`;
    return this.#hasTotal ? undefined : "carol's total";
  }

  /** Notes a message, unless it is noted already. */
  note({ seq, from, said }: Heard, isRedelivered = false): void {
    if (!this.#said.has(seq)) this.#write({ seq, from, said });
    else if (isRedelivered) this.#redelivered += 1;
    else this.#duplicates += 1;
    this.#changes$.next();
  }

  /** Notes a heading, unless it is noted already. */
  noteHeading(seq: number, heading: string): void {
    if (!this.#headings.has(seq)) this.#write({ seq, heading });
  }

  #write(note: Note): void {
    appendFileSync(this.#path, `${JSON.stringify(note)}\n`);
    this.#remember(note);
  }

  #remember(note: Note): void {
    if ('heading' in note) {
      this.#headings.add(note.seq);
      return;
    }
    this.#said.add(note.seq);
    if (note.said.kind === 'line') {
      this.#lines += 1;
      this.#linesExpected = note.said.of;
    }
    if (note.said.kind === 'total') this.#hasTotal = true;
  }
}

/** All whole notes of a notebook, in the order in which they were made. None if it was never written. */
export function readNotes(path: string): readonly Note[] {
  if (!existsSync(path)) return [];
  // What stands behind the last line break is empty, or a note that is being written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Note);
}

/** The messages among notes. */
export function messagesIn(notes: readonly Note[]): readonly Heard[] {
  return notes.filter((note) => 'said' in note);
}

/** How many lines of the file are among notes. */
export function linesIn(notes: readonly Note[]): number {
  return messagesIn(notes).filter(({ said }) => said.kind === 'line').length;
}

/** SIGKILL may fall into the middle of a write. What it has left is no note: its message was not acknowledged either. */
function dropTornNote(path: string): void {
  const content = readFileSync(path);
  const end = content.lastIndexOf('\n') + 1;
  if (end < content.length) truncateSync(path, end);
}
