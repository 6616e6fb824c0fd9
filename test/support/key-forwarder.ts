// Stands before the gateway for clients that cannot send a key: adds the Authorization header and nothing else.
import { Agent, createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KeyForwarder extends AsyncDisposable {
  readonly port: number;
}

export interface Forwarded {
  readonly host: string;
  readonly port: number;
  readonly key: string;
}

/** The headers as they came, Host and Origin among them, and the key. */
const withKey = (raw: readonly string[], key: string): string[] => [
  ...raw,
  'Authorization',
  `Bearer ${key}`,
];

function forward(
  to: Forwarded & { readonly agent: Agent },
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const { method, url: path, rawHeaders } = incoming;
  const headers = withKey(rawHeaders, to.key);
  const outgoing = send({ ...to, method, path, headers, setHost: false });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
    // The head must not wait for the first event of a stream.
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  outgoing.on('error', () => response.destroy());
  // Who closes the response cancels the request.
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

export async function startKeyForwarder(to: Forwarded): Promise<KeyForwarder> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, response) =>
    forward({ ...to, agent }, incoming, response),
  );
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
