/** Where an envelope belongs in a distributed trace, as W3C Trace Context has it, for whatever tracer the application uses. */
export interface TraceContext {
  /** `00-<32 hexadecimal digits>-<16 of them>-<flags>` (W3C Trace Context §3.2). */
  readonly traceparent: string;
  /** What tracers have added (§3.3): at most 32 members and 512 characters. */
  readonly tracestate?: string;
}

const MAX_STATE_LENGTH = 512;
const MAX_STATE_MEMBERS = 32;

/** A later version may have more behind the flags. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x21-\x7e]{1,64})?$/;
const STATE_KEY = /^(?:[a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$/;
const STATE_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** What is wrong with a trace context, or `undefined`. */
export function objectionToTrace({ traceparent, tracestate }: TraceContext): string | undefined {
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) {
    return '`traceparent` is none of W3C Trace Context';
  }
  if (tracestate !== undefined && (typeof tracestate !== 'string' || !isTracestate(tracestate))) {
    return '`tracestate` is none of W3C Trace Context, or longer than 32 members and 512 characters';
  }
  return undefined;
}

function isTraceparent(text: string): boolean {
  const [, version, traceId = '', parentId = '', rest] = PARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return false;
  return !/^0+$/.test(traceId) && !/^0+$/.test(parentId);
}

function isTracestate(text: string): boolean {
  if (text.length > MAX_STATE_LENGTH) return false;
  // Empty members are allowed, and mean nothing (§3.3.1.1).
  const members = text.split(',').map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''));
  const keys = members.filter((member) => member !== '').map(keyOfMember);
  if (keys.length === 0 || keys.length > MAX_STATE_MEMBERS || keys.includes(undefined)) return false;
  return new Set(keys).size === keys.length;
}

/** The key of a list member, or `undefined` if it is none. */
function keyOfMember(member: string): string | undefined {
  const at = member.indexOf('=');
  const key = member.slice(0, at);
  return at > 0 && STATE_KEY.test(key) && STATE_VALUE.test(member.slice(at + 1)) ? key : undefined;
}
