// An upstream that costs next to nothing: it echoes, in JSON, in both eras. Prints its URLs once it listens.
//   node upstream.ts [--tools n] [--count n]
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly arguments?: unknown; readonly _meta?: object };
}

const { values } = parseArgs({
  options: {
    tools: { type: 'string', default: '1' },
    // Servers in this one process, alike but for their ports.
    count: { type: 'string', default: '1' },
  },
});

const SESSION = 'bench-session';
const VERSION = 'io.modelcontextprotocol/protocolVersion';

const tools = Array.from({ length: Number(values.tools) }, (_, n) => ({
  name: n === 0 ? 'echo' : `tool_${n}`,
  description: 'A tool with a description of the usual length, so that lists weigh what they do.',
  inputSchema: {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Where to look' },
      depth: { type: 'integer', minimum: 0, description: 'How deep to look' },
      pattern: { type: 'string', description: 'What to look for' },
    },
    required: ['path'],
  },
}));

const info = { name: 'bench', version: '1.0.0' };
const hints = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' };

const FIXED: Record<string, object> = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: info },
  'server/discover': { ...hints, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
  ping: {},
};

function resultOf({ method = '', params }: Message): object | undefined {
  const modern = params?._meta !== undefined && VERSION in params._meta;
  if (method === 'tools/call') {
    const text = JSON.stringify(params?.arguments ?? {});
    const result = { content: [{ type: 'text', text }] };
    return modern ? { resultType: 'complete', ...result } : result;
  }
  if (method === 'tools/list') return modern ? { ...hints, tools } : { tools };
  return Object.hasOwn(FIXED, method) ? FIXED[method] : undefined;
}

function answer(response: ServerResponse, bytes: Buffer): void {
  const message = JSON.parse(bytes.toString('utf8')) as Message;
  if (message.id === undefined) {
    response.writeHead(202, { 'content-length': 0 }).end();
    return;
  }
  const result = resultOf(message);
  const error = { code: -32601, message: 'Method not found' };
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: message.id,
    ...(result === undefined ? { error } : { result }),
  });
  const session = message.method === 'initialize' ? { 'mcp-session-id': SESSION } : {};
  response.writeHead(result === undefined ? 404 : 200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...session,
  });
  response.end(body);
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'POST') answer(response, Buffer.concat(chunks));
    else response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
  });
}

async function listen(): Promise<string> {
  const server = createServer(handle);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

const urls = await Promise.all(Array.from({ length: Number(values.count) }, listen));
process.stdout.write(`${urls.join(' ')}\n`);
