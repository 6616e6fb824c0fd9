// Standard input and output for a raw server: one message a line.
import { once } from 'node:events';
import { linesOf } from '../../lines.ts';
import { type Outlet, Peer } from './call.ts';
import type { RawServer } from './server.ts';

/** A message may be written with line breaks between its tokens; on this transport they cannot stand. */
export const oneLine = (message: string): string =>
  message.includes('\n') || message.includes('\r') ? message.replaceAll(/[\r\n]/g, ' ') : message;

class Stdout implements Outlet {
  send(message: string | Buffer): boolean {
    if (typeof message === 'string') return process.stdout.write(`${oneLine(message)}\n`);
    process.stdout.write(message);
    return process.stdout.write('\n');
  }

  async drained(): Promise<void> {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  }
}

export interface StdioOptions {
  /** Sees every line before it is served; `true` keeps it from the server. */
  readonly intercept?: (line: string, outlet: Outlet) => boolean;
  /** Stay when standard input is closed. */
  readonly stayAtEnd?: boolean;
}

/** Serves until standard input ends. */
export async function serveStdio(server: RawServer, options: StdioOptions = {}): Promise<void> {
  const outlet = new Stdout();
  const peer = new Peer();
  // Changes go out unasked only to a client that has shaken hands in the legacy way.
  server.peers.add(peer);
  process.stdout.on('error', () => process.exit(0));
  const serve = async (line: string): Promise<void> => {
    const answer = await server.receive(line, peer, outlet);
    if (peer.protocolVersion !== '') peer.outlet = outlet;
    if (answer !== undefined) outlet.send(answer.body);
  };
  for await (const bytes of linesOf(process.stdin)) {
    const line = bytes.toString('utf8');
    if (line.trim() === '' || options.intercept?.(line, outlet) === true) continue;
    void serve(line);
  }
  if (options.stayAtEnd === true) return;
  server.subscriptions.endAll();
  await outlet.drained();
  process.exit(0);
}
