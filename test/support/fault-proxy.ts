// A TCP proxy in front of an HTTP server that breaks one exchange at a chosen place.
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** The places, in the order in which an exchange passes them. */
export const POSITIONS = [
  'at the connect',
  'on a kept connection, before a byte',
  'within the head of the request',
  'before the body of the request',
  'within the body of the request',
  'after the request',
  'before the answer',
  'after the head of the answer',
  'within the body of the answer',
] as const;
export type Position = (typeof POSITIONS)[number];

const HEAD_END = Buffer.from('\r\n\r\n');

/** How much of a request goes on before the cut. */
function shareOf(request: Buffer, position: Position): number {
  const body = request.indexOf(HEAD_END) + HEAD_END.length;
  switch (position) {
    case 'within the head of the request':
      return Math.floor(body / 2);
    case 'before the body of the request':
      return body;
    case 'within the body of the request':
      return body + Math.floor((request.length - body) / 2);
    default:
      return 0;
  }
}

function isWhole(request: Buffer): boolean {
  const end = request.indexOf(HEAD_END);
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(request.toString('latin1', 0, end))?.[1] ?? '0';
  return request.length >= end + HEAD_END.length + Number(length);
}

export class FaultProxy implements AsyncDisposable {
  /** How often it has broken an exchange. */
  broken = 0;
  readonly #targetPort: number;
  readonly #idle = new Set<Link>();
  readonly #links = new Set<Link>();
  readonly #server = createServer((client) => this.#accept(client));
  #armed: Position | undefined;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next exchange breaks there. Let nothing else go on meanwhile. */
  arm(position: Position): void {
    this.#armed = position;
    if (position === 'at the connect') for (const link of this.#idle) link.cut();
  }

  #accept(client: Socket): void {
    client.on('error', () => {});
    if (this.take('at the connect')) {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(this, client, connect(this.#targetPort, '127.0.0.1'));
    this.#links.add(link);
    client.on('close', () => this.#links.delete(link) && this.#idle.delete(link));
  }

  get armed(): Position | undefined {
    return this.#armed;
  }

  /** @returns whether this is the place, which then has been passed. */
  take(position: Position): boolean {
    if (this.#armed !== position) return false;
    this.#armed = undefined;
    this.broken++;
    return true;
  }

  settle(link: Link, idle: boolean): void {
    if (idle) this.#idle.add(link);
    else this.#idle.delete(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** One connection from the client, and the one to the server that belongs to it. */
class Link {
  readonly #proxy: FaultProxy;
  readonly #client: Socket;
  readonly #target: Socket;
  #request = Buffer.alloc(0);
  /** Of the exchange that is under way, once its request has been passed on. */
  #breaksAt: Position | undefined;

  constructor(proxy: FaultProxy, client: Socket, target: Socket) {
    this.#proxy = proxy;
    this.#client = client;
    this.#target = target;
    target.on('error', () => {}).on('close', () => client.destroy());
    client.on('close', () => target.destroy());
    client.on('data', (chunk: Buffer) => this.#up(chunk));
    target.on('data', (chunk: Buffer) => this.#down(chunk));
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#target.destroy();
  }

  #up(chunk: Buffer): void {
    const proxy = this.#proxy;
    proxy.settle(this, false);
    if (proxy.take('on a kept connection, before a byte')) return this.cut();
    this.#request = Buffer.concat([this.#request, chunk]);
    if (!isWhole(this.#request)) return;
    const request = this.#request;
    this.#request = Buffer.alloc(0);
    const { armed } = proxy;
    const share = armed === undefined ? 0 : shareOf(request, armed);
    if (armed !== undefined && share > 0) {
      proxy.take(armed);
      this.#target.write(request.subarray(0, share), () => this.cut());
      return;
    }
    if (armed !== undefined) proxy.take(armed);
    this.#breaksAt = armed;
    // A moment for the server to read it, so that it does run what it was sent.
    const sent = (): void => void (armed === 'after the request' && setImmediate(() => this.cut()));
    this.#target.write(request, sent);
  }

  #down(chunk: Buffer): void {
    const at = this.#breaksAt;
    if (at === undefined) {
      this.#client.write(chunk);
      this.#proxy.settle(this, true);
      return;
    }
    if (at === 'before the answer' || at === 'after the request') return this.cut();
    const body = chunk.indexOf(HEAD_END) + HEAD_END.length;
    const rest = at === 'after the head of the answer' ? 0 : Math.floor((chunk.length - body) / 2);
    // Ended and not reset: what was written before a reset may never be read.
    this.#client.end(chunk.subarray(0, body + rest));
    this.#target.destroy();
  }
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const proxy = new FaultProxy(targetPort);
  await proxy.listen();
  return proxy;
}
