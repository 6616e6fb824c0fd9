// A raw MCP server over HTTP for the bridge's tests: it records what comes, and each test says what goes.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** The body, parsed; undefined when there is none. */
  readonly message: { id?: unknown; method?: string; params?: Record<string, unknown> } | undefined;
  readonly res: ServerResponse;
}

export type Answer = (received: Received) => void | Promise<void>;

export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: Received[];
  /** The first message, seen or to come, that the predicate likes. */
  next(predicate: (received: Received) => boolean): Promise<Received>;
  /** Breaks all connections and stops listening. */
  stop(): Promise<void>;
}

export async function startRawServer(answer: Answer, port = 0): Promise<RawServer> {
  const seen: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const message = body.length > 0 ? JSON.parse(body.toString()) : undefined;
      const received = {
        method: req.method!,
        path: req.url!,
        headers: req.headers,
        body,
        message,
        res,
      };
      seen.push(received);
      for (const wake of waiting) wake();
      await answer(received);
    })().catch(() => res.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${own}/mcp`,
    port: own,
    seen,
    next: (predicate) =>
      new Promise((resolve) => {
        const look = () => {
          const found = seen.find(predicate);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export const sendJson = (
  { res }: Received,
  text: string | Buffer,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
) => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(text);
};

export const openEvents = ({ res }: Received, headers: Record<string, string> = {}) => {
  res.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  res.flushHeaders();
  return {
    send: (text: string | Buffer) =>
      res.write(Buffer.concat([Buffer.from('data: '), Buffer.from(text), Buffer.from('\n\n')])),
    raw: (text: string) => res.write(text),
    end: () => res.end(),
    drop: () => res.destroy(),
  };
};

export const result = (id: unknown, value: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value });

export const byMethod =
  (method: string) =>
  ({ message }: Received): boolean =>
    message?.method === method;

export const INITIALIZE_RESULT = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
  serverInfo: { name: 'raw', version: '1' },
};

/** A legacy server with sessions; `answer` takes the requests that are not its own business. */
export function legacyAnswers(sessionId: string, answer: Answer = () => {}): Answer {
  let ended = false;
  return (received) => {
    const { message, method, headers, res } = received;
    const isOpening = message?.method === 'initialize';
    if (!isOpening && (ended || headers['mcp-session-id'] !== sessionId)) {
      const error = { code: -32001, message: 'no such session' };
      return sendJson(received, JSON.stringify({ jsonrpc: '2.0', id: null, error }), {
        status: 404,
      });
    }
    if (isOpening) {
      const text = result(message.id, INITIALIZE_RESULT);
      return sendJson(received, text, { headers: { 'mcp-session-id': sessionId } });
    }
    if (method === 'DELETE') {
      ended = true;
      return void res.writeHead(204).end();
    }
    if (method === 'POST' && (message?.id === undefined || message.method === undefined)) {
      res.writeHead(202).end();
      return answer(received);
    }
    return answer(received);
  };
}
