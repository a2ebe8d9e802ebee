import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * What a control plane answers to a client that makes channels and gets nobody's requests: a token, a channel whatever
 * its name is, and nobody. Returns whether it was a token.
 */
export function answerLikeAnApi(request: IncomingMessage, response: ServerResponse, token: () => string): boolean {
  const isToken = request.url === '/v1/tokens';
  const channel = { id: 'a channel', name: 'a name', member_count: 1, created_at: '2040-01-01T00:00:00Z' };
  const answer = request.method === 'GET' ? { requests: [], removals: [] } : channel;
  request.resume();
  response.end(JSON.stringify(isToken ? { token: token() } : answer));
  return isToken;
}
