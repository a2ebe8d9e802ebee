import { bytes, json, type PayloadCodec, PayloadError } from '../../actors/channel/index.ts';
import { RuntimeError } from '../../base/errors.ts';
import { type Envelope, isMediaType, isProtocolName, OCTETS, RAW_PROTOCOL } from './envelope.ts';

/** A protocol that agents speak in envelopes. */
export interface Protocol<T = unknown> {
  /** 1 to 64 characters of `a-z 0-9 . _ + -`. */
  readonly name: string;
  /** What its payloads are, where an envelope does not say otherwise. */
  readonly contentType: string;
  /** How its values become payloads. Default: they are payloads. */
  readonly codec?: PayloadCodec<T>;
}

const JSON_TYPE = 'application/json';

/** Those that have names everywhere. All but SLIM, which moves bytes, speak JSON. */
const KNOWN: readonly Protocol[] = [
  ...['a2a', 'acp', 'anp', 'lmos', 'mcp', 'nlip'].map((name) => ({ name, contentType: JSON_TYPE, codec: json() })),
  { name: 'slim', contentType: OCTETS },
  { name: RAW_PROTOCOL, contentType: OCTETS },
];

/**
 * The protocols that an agent knows: SLIM, A2A, ACP, MCP, ANP, LMOS, NLIP, and its own. One that it does not know is no
 * mistake: it passes through, and its values are its payloads.
 *
 * @example
 * const protocols = new Protocols([{ name: 'acme-tickets', contentType: 'application/json', codec: json() }]);
 * const envelope = await protocols.encode('acme-tickets', { ticket: 7 });
 * assert.deepEqual(await protocols.decode(envelope), { ticket: 7 });
 */
export class Protocols {
  readonly #byName: ReadonlyMap<string, Protocol>;

  /**
   * @param own beside those that are known everywhere
   * @throws {@link RuntimeError} `invalid_argument` for a name or a type that is none, and for a name that is taken
   */
  constructor(own: readonly Protocol[] = []) {
    const byName = new Map<string, Protocol>();
    for (const protocol of [...KNOWN, ...own]) {
      const objection = objectionTo(protocol, byName);
      if (objection !== undefined) throw new RuntimeError('invalid_argument', objection);
      byName.set(protocol.name, protocol);
    }
    this.#byName = byName;
  }

  /** Names of all that are known, in alphabetical order. */
  get names(): readonly string[] {
    return [...this.#byName.keys()].sort();
  }

  /** The protocol of this name, if it is known. */
  get(name: string): Protocol | undefined {
    return this.#byName.get(name);
  }

  /** What payloads of a protocol are, if nobody says otherwise. */
  contentTypeOf(name: string): string {
    return this.get(name)?.contentType ?? OCTETS;
  }

  /**
   * An envelope for a value of a protocol.
   *
   * @throws {@link PayloadError} `invalid_payload` if the protocol has no form for the value
   */
  async encode(name: string, value: unknown): Promise<Envelope> {
    const payload = await translate(() => this.#codecOf(name).encode(value), 'the protocol has no form for the value');
    // Without a codec the value was to be the payload.
    if (!(payload instanceof Uint8Array))
      throw new PayloadError('the protocol has no form for values other than bytes');
    return { protocol: name, contentType: this.contentTypeOf(name), payload };
  }

  /**
   * What an envelope says in values of its protocol; its payload, if the protocol is not known.
   *
   * @throws {@link PayloadError} `invalid_payload` if the payload does not follow the protocol
   */
  decode({ protocol, payload }: Envelope): Promise<unknown> {
    return translate(() => this.#codecOf(protocol).decode(payload), 'the payload does not follow its protocol');
  }

  #codecOf(name: string): PayloadCodec<unknown> {
    // Values of a protocol without a codec are payloads; who hands in something else is told by `encode`.
    return this.get(name)?.codec ?? bytes();
  }
}

function objectionTo({ name, contentType }: Protocol, taken: ReadonlyMap<string, unknown>): string | undefined {
  if (typeof name !== 'string' || !isProtocolName(name)) {
    return 'Expected the `name` of a protocol to be 1 to 64 characters of a-z, 0-9 and ._+-, beginning with a letter or digit.';
  }
  if (taken.has(name)) return `Expected protocols to have names of their own, got ${name} once more.`;
  if (typeof contentType === 'string' && isMediaType(contentType)) return undefined;
  return `Expected \`contentType\` of protocol ${name} to be a media type.`;
}

async function translate<T>(task: () => T | PromiseLike<T>, detail: string): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw PayloadError.from(error, detail);
  }
}
