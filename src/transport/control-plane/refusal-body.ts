/** What the body of a refusal says, as far as it says it in a way that can be shown. */
export interface RefusalBody {
  readonly code?: string;
  /** One short line of printable ASCII. */
  readonly text?: string;
}

/** The longest text of a control plane that an error repeats. */
const MAX_TEXT = 200;

/** Reads the body of an answer with an HTTP status of 400 or more; empty for what is none of ours. */
export function readRefusal(body: string): RefusalBody {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return {}; // a proxy's page, for example: the status has to do
  }
  if (typeof answer !== 'object' || answer === null) return {};
  const code = 'code' in answer && typeof answer.code === 'string' ? { code: answer.code } : {};
  const text = 'error' in answer && typeof answer.error === 'string' ? answer.error : '';
  return /^[\x20-\x7e]+$/.test(text) ? { ...code, text: text.slice(0, MAX_TEXT) } : code;
}
