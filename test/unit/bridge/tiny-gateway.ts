// What `become` starts in the tests: a gateway of two eras and two tools, with its gateway.json.
import { removeGatewayFile, writeGatewayFile } from '../../../src/storage/data-directory.ts';
import { legacyAnswers, openEvents, result, sendJson, startRawServer } from './raw-server.ts';
import type { Answer, Received } from './raw-server.ts';

export interface TinyGateway {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startTinyGateway(directory: string, name: string): Promise<TinyGateway> {
  const legacy = legacyAnswers(`session of ${name}`, answerAs(name));
  const server = await startRawServer((received) => {
    if (received.path === '/livez') return void received.res.writeHead(200).end();
    return (received.headers['mcp-method'] ? answerAs(name) : legacy)(received);
  });
  const file = { pid: process.pid, startedAt: new Date().toISOString(), version: '0.1.0' };
  await writeGatewayFile(directory, { url: new URL(server.url).origin, ...file });
  return {
    url: server.url,
    async stop() {
      await removeGatewayFile(directory);
      await server.stop();
    },
  };
}

const answerAs =
  (name: string): Answer =>
  (received) => {
    const { method, message } = received;
    if (method === 'GET') openEvents(received);
    else if (message?.method === 'subscriptions/listen') acknowledge(received);
    else if (message?.params?.['name'] === 'hang') {
      openEvents(received).send('{"jsonrpc":"2.0","method":"notifications/progress","params":{}}');
    } else if (message?.id !== undefined) sendJson(received, result(message.id, { gateway: name }));
  };

function acknowledge(received: Received): void {
  const { id, params } = received.message!;
  const acknowledged = {
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: {
      _meta: { 'io.modelcontextprotocol/subscriptionId': id },
      notifications: params?.['notifications'],
    },
  };
  openEvents(received).send(JSON.stringify(acknowledged));
}
