// HTTP+SSE (2024-11-05) for a raw server: a GET stream, and a path to post to that its first event names.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Peer } from './call.ts';
import { reply } from './http.ts';
import type { RawServer } from './server.ts';
import { SseStream, sseEvent } from './sse-stream.ts';

export class LegacySse {
  readonly sessions = new Map<string, { readonly peer: Peer; readonly stream: SseStream }>();
  readonly #server: RawServer;

  constructor(server: RawServer) {
    this.#server = server;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fixture');
    if (request.method === 'GET' && url.pathname === '/sse') return this.#open(response);
    if (request.method !== 'POST' || url.pathname !== '/messages') return reply(response, 405);
    const session = this.sessions.get(url.searchParams.get('sessionId') ?? '');
    if (session === undefined) return reply(response, 404, '"Session not found"');
    response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted');
    const { peer, stream } = session;
    const answer = await this.#server.receive(body.toString('utf8'), peer, stream);
    if (answer !== undefined) stream.send(answer.body);
  }

  #open(response: ServerResponse): void {
    const id = randomUUID();
    const peer = new Peer();
    const stream = new SseStream();
    stream.attach(response);
    response.write(sseEvent(`/messages?sessionId=${id}`, undefined, 'endpoint'));
    peer.outlet = stream;
    this.sessions.set(id, { peer, stream });
    this.#server.peers.add(peer);
    response.once('close', () => {
      this.sessions.delete(id);
      this.#server.peers.delete(peer);
      peer.close('the client closed the stream');
    });
  }
}
