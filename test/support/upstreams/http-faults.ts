// What can go wrong below MCP: hand one of these to `startHttpUpstream` as `intercept`.
import type { IncomingMessage, ServerResponse } from 'node:http';

export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
) => boolean;

/** Answers with this whatever was asked. */
export const answerWith =
  (status: number, headers: Record<string, string>, body: string | Buffer): Intercept =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };

export const neverRespond: Intercept = () => true;

/** Sends headers and the start of a body, then cuts the connection. */
export const cutMidBody: Intercept = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"jsonrpc":"2.0","id":', () => response.destroy());
  return true;
};

/** Sends headers and the start of a body, and then no more. */
export const stallMidBody: Intercept = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: message\ndata: {"jsonrpc":');
  return true;
};

/** Cuts the connection before a byte of an answer. */
export const resetAtOnce: Intercept = (request) => {
  request.socket.resetAndDestroy();
  return true;
};

/** Faults only tool calls; all else is served as usual. */
export const onlyCalls =
  (fault: Intercept): Intercept =>
  (request, response, body) =>
    body.includes('"tools/call"') && fault(request, response, body);

/** Faults the first `count` requests that it sees. */
export function firstTimes(count: number, fault: Intercept): Intercept {
  let left = count;
  return (request, response, body) => left-- > 0 && fault(request, response, body);
}
