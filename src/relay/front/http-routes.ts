import type { Readable } from 'node:stream';

/** The answer to a request of plain HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Of a 204, nothing. */
  readonly body: string;
  /** Headers beside type and length. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request of plain HTTP, whatever its version. */
export interface HttpRequest {
  readonly method: string;
  /** RFC 9112 §3.2: path and query. */
  readonly target: string;
  readonly authorization: string | undefined;
  readonly body: Readable;
}

/** Answers `GET` of one path. Should not reject; if it does, the answer is 500 without its reason. */
export type HttpRoute = () => HttpAnswer | Promise<HttpAnswer>;

/** Answers another method, or `GET` with what is asked in the request. The same holds. */
export interface HttpAction {
  readonly method: 'GET' | 'POST' | 'PUT';
  answer(request: HttpRequest): HttpAnswer | Promise<HttpAnswer>;
}

/** What is answered beside gRPC, by path: `/health`. */
export type HttpRoutes = ReadonlyMap<string, HttpRoute | HttpAction>;

/** An answer, ready to be sent. */
export interface RoutedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Empty where there is none: in answer to a `HEAD` too. */
  readonly body: string;
}

/** Answers a request of plain HTTP, whatever its version. Never rejects. */
export async function answerHttp(routes: HttpRoutes, request: HttpRequest): Promise<RoutedAnswer> {
  const { status, contentType, body, headers } = await route(routes, request);
  if (status === 204) return { status, headers: { ...headers }, body: '' };
  return {
    status,
    headers: { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) },
    body: request.method === 'HEAD' ? '' : body,
  };
}

/** The path of a request target (RFC 9112 §3.2) without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/** The body of a request; `undefined` if it has more bytes. Then the rest is for somebody else to read or to drop. */
export function readBody(body: Readable, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else {
        chunks = [];
        resolve(undefined);
      }
    });
    body.once('end', () => resolve(Buffer.concat(chunks)));
    body.once('error', reject);
    body.once('close', () => reject(new Error('the request was taken back'))); // comes after the end, too
  });
}

async function route(routes: HttpRoutes, request: HttpRequest): Promise<HttpAnswer> {
  const found = routes.get(pathOf(request.target));
  if (found === undefined) return text(404, 'not found');
  const { allowed, answer } =
    typeof found === 'function'
      ? { allowed: ['GET', 'HEAD'], answer: found }
      : { allowed: [found.method], answer: () => found.answer(request) };
  if (!allowed.includes(request.method)) return text(405, 'method not allowed', { allow: allowed.join(', ') });
  try {
    const answered = await answer();
    // What is asked here is how things are now.
    return { ...answered, headers: { 'cache-control': 'no-store', ...answered.headers } };
  } catch {
    return text(500, 'this page cannot be made'); // the reason may name what is none of the asker's business
  }
}

function text(status: number, line: string, headers: Record<string, string> = {}): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n`, headers };
}
