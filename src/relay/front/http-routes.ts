/** The answer to a plain `GET`. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers `GET` of one path. Should not reject; if it does, the answer is 500 without its reason. */
export type HttpRoute = () => HttpAnswer | Promise<HttpAnswer>;

/** What is answered beside gRPC, by path: `/health`. */
export type HttpRoutes = ReadonlyMap<string, HttpRoute>;

/** An answer with the headers that it needs beside its type and length. */
export interface RoutedAnswer extends HttpAnswer {
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers a request of plain HTTP, whatever its version. Never rejects. */
export async function answerHttp(routes: HttpRoutes, method: string, target: string): Promise<RoutedAnswer> {
  const route = routes.get(pathOf(target));
  if (route === undefined) return text(404, 'not found');
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'method not allowed', { allow: 'GET, HEAD' });
  try {
    // What is asked here is how things are now.
    return { ...(await route()), headers: { 'cache-control': 'no-store' } };
  } catch {
    return text(500, 'this page cannot be made'); // the reason may name what is none of the asker's business
  }
}

/** The path of a request target (RFC 9112 §3.2) without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function text(status: number, line: string, headers: Record<string, string> = {}): RoutedAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n`, headers };
}
