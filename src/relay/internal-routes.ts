import { AuthError, ChannelError, SkytaleError } from '../base/errors.ts';
import type { ChannelName } from '../base/channel-name.ts';
import type { NoticeTopic } from '../transport/index.ts';
import type { OperatorAuthenticator } from './access/index.ts';
import { readBody } from './front/index.ts';
import type { HttpAction, HttpAnswer, HttpRequest, HttpRoutes } from './front/index.ts';
import type { RelayLogger } from './relay-logger.ts';
import type { RelayOperations, WithdrawnKey } from './relay-operations.ts';

/** What the routes stand on. */
export interface InternalSources {
  readonly operations: RelayOperations;
  readonly authenticator: OperatorAuthenticator;
  readonly logger: RelayLogger;
}

/** What is answered; `undefined` for nothing but that it was done. */
type Action = (
  body: Readonly<Record<string, unknown>>,
  query: URLSearchParams,
) => object | undefined | Promise<object | undefined>;

const MAX_BODY_BYTES = 64 * 1024;
const BEARER = /^Bearer +(\S+)$/i;

/**
 * {@link RelayOperations} over HTTP, for a control plane in another process. JSON in and out, errors as `{"error": "…"}`: 400 what
 * was asked cannot be, 401 without a token that holds, 413 too much was asked at once, 503 the log cannot be asked just now.
 */
export function internalRoutes(sources: InternalSources): HttpRoutes {
  const { operations } = sources;
  const route = (method: HttpAction['method'], act: Action): HttpAction => ({
    method,
    answer: (request) => answer(request, act, sources),
  });
  return new Map([
    [
      '/internal/v1/notices',
      route('POST', ({ channel, topic }) => {
        operations.announce(textOf('channel', channel) as ChannelName, textOf('topic', topic) as NoticeTopic);
        return undefined;
      }),
    ],
    [
      '/internal/v1/usage',
      route('GET', async (_, query) => {
        const { monthStartMs, messages } = await operations.usage(query.get('account') ?? '');
        return { month_start_ms: monthStartMs, messages };
      }),
    ],
    [
      '/internal/v1/expulsions',
      route('POST', async ({ channel, account }) => ({
        expelled: await operations.expel(textOf('channel', channel) as ChannelName, textOf('account', account)),
      })),
    ],
    [
      '/internal/v1/withdrawals',
      route('PUT', ({ keys }) => {
        operations.withdrawKeys(keysOf(keys));
        return undefined;
      }),
    ],
  ]);
}

async function answer(request: HttpRequest, act: Action, sources: InternalSources): Promise<HttpAnswer> {
  try {
    await sources.authenticator.authenticate(BEARER.exec(request.authorization ?? '')?.[1]);
    const asked = await askedBy(request);
    if (asked === undefined) return failure(413, `the body has more than ${MAX_BODY_BYTES} bytes`);
    const answered = await act(asked, new URL(request.target, 'http://relay').searchParams);
    return answered === undefined ? { status: 204, contentType: '', body: '' } : json(200, answered);
  } catch (error) {
    if (error instanceof BadRequest) return failure(400, error.message);
    if (!(error instanceof SkytaleError)) throw error;
    if (error instanceof AuthError) {
      sources.logger.warn({ detail: error.message }, 'an operator was turned away');
      return { ...failure(401, error.message), headers: { 'www-authenticate': 'Bearer' } };
    }
    if (error.code === 'invalid_argument' || error instanceof ChannelError) return failure(400, error.message);
    sources.logger.error({ err: error }, 'an operation failed');
    return failure(503, error.message);
  }
}

/** `undefined` if it is too long. */
async function askedBy({ method, body }: HttpRequest): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (method === 'GET') return {};
  const bytes = await readBody(body, MAX_BODY_BYTES);
  if (bytes === undefined) return undefined;
  let asked: unknown;
  try {
    asked = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new BadRequest('the body is no JSON', { cause });
  }
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) throw new BadRequest('expected an object');
  return asked as Record<string, unknown>;
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new BadRequest(`expected ${name} to be a text`);
}

function keysOf(value: unknown): readonly WithdrawnKey[] {
  if (!Array.isArray(value)) throw new BadRequest('expected keys to be a list');
  return value.map((each: unknown) => {
    const { key_id: keyId, until_ms: untilMs } = (each ?? {}) as Record<string, unknown>;
    if (typeof untilMs !== 'number') throw new BadRequest('expected until_ms to be a number');
    return { keyId: textOf('key_id', keyId), untilMs };
  });
}

/** What was asked is not of the form that it has to be. */
class BadRequest extends Error {}

function failure(status: number, error: string): HttpAnswer {
  return json(status, { error });
}

function json(status: number, body: object): HttpAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body) };
}
