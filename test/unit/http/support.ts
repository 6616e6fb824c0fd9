// The HTTP house on a real port, with a door that says yes, and requests with headers as they are given.
import { request } from 'node:http';
import { connect } from 'node:net';
import { startHttpServer } from '../../../src/http/server.ts';
import type { HttpServerOptions } from '../../../src/http/server.ts';
import { ALL_SEEING } from '../../support/principal.ts';
import { createTestLog } from '../mcp/log.ts';

export async function startHouse(options: Partial<HttpServerOptions> = {}) {
  const seen: string[] = [];
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    mcp(req, res) {
      seen.push(req.url ?? '');
      res.end('mcp');
    },
    readiness: () => ({ ready: true, servers: {} }),
    authenticate: () => ALL_SEEING,
    routes: [],
    log: createTestLog(),
    ...options,
  });
  return { server, seen, [Symbol.asyncDispose]: () => server.close(0) };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** @param headers name, value, name, value …, so that a name may stand twice */
export function ask(
  port: number,
  method: string,
  path: string,
  headers: readonly string[],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      setHost: false,
      agent: false,
      headers,
    });
    req.on('error', reject);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
    });
    req.end();
  });
}

/** What comes back for bytes that no client would send, until the server closes. */
export function askRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(text, 'latin1');
  });
}
