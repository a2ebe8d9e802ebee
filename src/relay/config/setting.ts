/** One key of the configuration: what it may hold. */
export interface Setting<T> {
  /** Completes the sentence "expected …". */
  readonly expected: string;
  /** What holds if nobody says anything. */
  readonly fallback: T;
  /** Secrets are never shown, and never taken from flags, which every user of the machine can see. */
  readonly isSecret: boolean;
  /** Text of a flag or of the environment as the value that a file would hold. Text that is no such value stays text. */
  fromText(text: string): unknown;
  /** The value if it is a good one. */
  check(value: unknown): T | undefined;
  /** The value as a file would hold it. */
  toFile(value: T): FileValue;
}

/** What a TOML file can hold for us. */
export type FileValue = string | number | boolean | readonly string[] | undefined;

/** A place to listen: `127.0.0.1:5000`, `[::1]:5000`, `localhost:0`. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const SERVER = /^(?:(?:nats|tls):\/\/)?[^\s/@]+$/;

const asText = (text: string): unknown => text;
const asNumber = (text: string): unknown => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
const asBoolean = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);
const asList = (text: string): unknown => text.split(',').map((item) => item.trim());

/** A whole number. */
export function integer(fallback: number, min: number, max: number = Number.MAX_SAFE_INTEGER): Setting<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    expected: `an integer ${range}`,
    fallback,
    isSecret: false,
    fromText: asNumber,
    check: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined,
    toFile: (value) => value,
  };
}

/** A number above zero, with or without a fraction. */
export function positive(fallback: number): Setting<number> {
  return {
    expected: 'a number above 0',
    fallback,
    isSecret: false,
    fromText: asNumber,
    check: (value) => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined),
    toFile: (value) => value,
  };
}

/** Stands for any number of messages. */
export const UNLIMITED = 'unlimited';

/** A number of messages. */
export function quota(fallback: number): Setting<number | typeof UNLIMITED> {
  const number = integer(fallback, 0);
  return {
    ...number,
    expected: `${number.expected}, or "${UNLIMITED}"`,
    check: (value) => (value === UNLIMITED ? value : number.check(value)),
    toFile: (value) => value,
  };
}

/** `true` or `false`. */
export function flag(fallback: boolean): Setting<boolean> {
  return {
    expected: 'true or false',
    fallback,
    isSecret: false,
    fromText: asBoolean,
    check: (value) => (typeof value === 'boolean' ? value : undefined),
    toFile: (value) => value,
  };
}

/** One of a few words. */
export function choice<T extends string>(fallback: T, words: readonly T[]): Setting<T> {
  return {
    expected: `one of ${words.map((word) => `"${word}"`).join(', ')}`,
    fallback,
    isSecret: false,
    fromText: asText,
    check: (value) => words.find((word) => word === value),
    toFile: (value) => value,
  };
}

/** Text that is not empty; a secret if it says so. */
export function text<T extends string | undefined>(
  fallback: T,
  expected: string = 'text that is not empty',
  isSecret: boolean = false,
): Setting<T | string> {
  return {
    expected,
    fallback,
    isSecret,
    fromText: asText,
    check: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
    toFile: (value) => value,
  };
}

/** An `http:` or `https:` address. */
export function webAddress(): Setting<string | undefined> {
  return {
    ...text(undefined, 'an address that starts with https:// or http://'),
    check: (value) => (typeof value === 'string' && /^https?:$/.test(protocolOf(value)) ? value : undefined),
  };
}

/** Servers, separated by commas where there is only text. Who the relay is to them has settings of its own. */
export function servers(): Setting<readonly string[]> {
  return {
    expected: 'a list of servers such as "nats://10.0.0.1:4222", without user and password',
    fallback: [],
    isSecret: false,
    fromText: asList,
    check: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && SERVER.test(item))
        ? (value as string[])
        : undefined,
    toFile: (value) => (value.length === 0 ? undefined : value),
  };
}

/** A place to listen. */
export function address<T extends ListenAddress | undefined>(fallback: T): Setting<T | ListenAddress> {
  return {
    expected: 'an address and a port such as "0.0.0.0:5000" or "[::1]:5000"',
    fallback,
    isSecret: false,
    fromText: asText,
    check: (value) => (typeof value === 'string' ? parseAddress(value) : undefined),
    toFile: (value) => (value === undefined ? undefined : formatAddress(value)),
  };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function parseAddress(value: string): ListenAddress | undefined {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]\s]+)):(?<port>\d{1,5})$/.exec(value)?.groups;
  const host = match?.['v6'] ?? match?.['name'];
  const port = Number(match?.['port']);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : '';
}
