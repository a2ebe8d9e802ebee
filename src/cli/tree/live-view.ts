import type { Terminal } from '../terminal.ts';

const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/**
 * Draws lines over those that were drawn before, in one synchronised update: nothing flickers, and what stood on the screen
 * above stays there.
 */
export class LiveView {
  readonly #terminal: Terminal;
  #height = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): Promise<void> {
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A`;
    this.#height = lines.length;
    return this.#terminal.write(`${BEGIN}\r${up}\u001b[0J${lines.map((line) => `${line}\n`).join('')}${END}`);
  }
}
