// The plain proxy that the gateway's speed is compared with: it parses each request and writes it again, once, and
// streams the answer through unread. Less than this no proxy does that looks at what it passes on.
//   node floor.ts --target http://127.0.0.1:4000/mcp
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Dispatcher, Pool } from 'undici';

const PASSED_ON = [
  'content-type',
  'accept',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
];
const PASSED_BACK = ['content-type', 'content-length', 'mcp-session-id'];

function pick(
  headers: Record<string, string | string[] | undefined>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}

/** Writes the answer to the caller as it comes, no faster than the caller reads. */
const relayTo = (response: ServerResponse): Dispatcher.DispatchHandler => ({
  onRequestStart(controller) {
    response.once('close', () => {
      if (!response.writableFinished) controller.abort(new Error('the caller went away'));
    });
  },
  onResponseStart(_controller, status, headers) {
    response.writeHead(status, pick(headers, PASSED_BACK));
  },
  onResponseData(controller, chunk) {
    if (response.write(chunk)) return;
    controller.pause();
    response.once('drain', () => controller.resume());
  },
  onResponseEnd() {
    response.end();
  },
  onResponseError() {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  },
});

export interface Floor extends AsyncDisposable {
  readonly url: string;
}

export async function startFloor(target: string, port = 0): Promise<Floor> {
  const { origin, pathname: path } = new URL(target);
  const pool = new Pool(origin, { connections: 256, pipelining: 1 });

  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const method = request.method as Dispatcher.HttpMethod;
      const body = bytes.length === 0 ? null : JSON.stringify(JSON.parse(bytes.toString('utf8')));
      const headers = pick(request.headers, PASSED_ON);
      pool.dispatch({ path, method, headers, body }, relayTo(response));
    });
  };

  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await pool.destroy();
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { target: { type: 'string' }, port: { type: 'string', default: '0' } },
  });
  if (values.target === undefined) throw new Error('--target is missing');
  const { url } = await startFloor(values.target, Number(values.port));
  process.stdout.write(`${url}\n`);
}
