// `toolgate tools --changed` and `--accept`: tools whose definition is not the accepted one.
import { GatewayError } from '../core/errors.ts';
import type { ShownPin } from '../http/api/pins.ts';
import { loadFor } from './config-file.ts';
import type { GatewayOption } from './find-gateway.ts';
import { joinLocal, joinRemote } from './rest-client.ts';
import type { RestClient } from './rest-client.ts';
import { safe } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface PinsOptions extends GatewayOption {
  readonly json?: boolean;
}

const PATH = '/v1/mcp/pins';
/** Enough of a hash to tell definitions apart, short enough for a command line. */
const SHORT_HASH = 16;

async function openRest(options: PinsOptions, terminal: Terminal): Promise<RestClient> {
  if (options.url !== undefined) return joinRemote(options.url, options.key);
  const { config } = await loadFor(options, terminal);
  const running = await joinLocal(config.gateway.dataDirectory, options.key);
  if (running) return running;
  throw new GatewayError(
    'GATEWAY_NOT_RUNNING',
    'No gateway runs here: what servers say now is known only to one.',
  );
}

const read = async (rest: RestClient): Promise<readonly ShownPin[]> =>
  ((await rest.request('GET', PATH)) as { pins: ShownPin[] }).pins;

const nameOf = ({ server, tool }: ShownPin): string => `${server}/${tool}`;

export async function changedTools(
  filter: string | undefined,
  options: PinsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await openRest(options, terminal);
  const wanted = filter?.toLowerCase() ?? '';
  const pins = (await read(rest)).filter((pin) => nameOf(pin).toLowerCase().includes(wanted));
  if (options.json) terminal.out(JSON.stringify(pins, null, 2));
  else for (const pin of pins) terminal.out(`${describe(pin, terminal)}\n`);
  if (pins.length === 0) terminal.err('Every tool is as it was accepted.');
  return 0;
}

function describe(pin: ShownPin, terminal: Terminal): string {
  const lines = pin.diff.split('\n').map((line) => {
    const text = `    ${safe(line)}`;
    if (line.startsWith('-')) return terminal.red(text);
    return line.startsWith('+') ? terminal.green(text) : text;
  });
  const odd = pin.oddCharacters.map(
    (one) => `    ${terminal.yellow('odd character')} ${safe(JSON.stringify(one))}`,
  );
  const since = pin.acceptedAt === undefined ? 'never accepted' : `accepted ${pin.acceptedAt}`;
  // With the hash, so that what is accepted is what stands here and nothing that comes later.
  const command = `toolgate tools --accept ${shellWord(`${nameOf(pin)}@${pin.currentHash.slice(0, SHORT_HASH)}`)}`;
  return [
    `${terminal.bold(safe(nameOf(pin)))}  ${pin.state}, ${since}`,
    ...lines,
    ...odd,
    `    ${terminal.dim(`to accept it: ${command}`)}`,
  ].join('\n');
}

/** A tool's name is its server's choice: pasted into a shell it must stay one word. */
const shellWord = (text: string): string =>
  /^[\w./@-]+$/.test(text) ? text : `'${safe(text).replaceAll("'", String.raw`'\''`)}'`;

/** @param text `server/tool`, or `server/tool@` and the beginning of the hash that was shown */
export async function acceptTool(
  text: string,
  options: PinsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await openRest(options, terminal);
  const pins = await read(rest);
  const [, name = text, hash = ''] = /^(.*)@([0-9a-f]{8,64})$/s.exec(text) ?? [];
  const whole = pins.find((pin) => nameOf(pin) === text);
  const pin = whole ?? pins.find((one) => nameOf(one) === name);
  if (!pin) {
    throw new GatewayError(
      'TOOL_NOT_FOUND',
      `No tool ${JSON.stringify(text)} waits to be accepted.`,
    );
  }
  if (!whole && !pin.currentHash.startsWith(hash)) {
    const words = `The definition of ${JSON.stringify(name)} has changed again since it was shown. Look at it anew.`;
    throw new GatewayError('DEFINITION_CHANGED', words);
  }
  if (!options.json) terminal.out(describe(pin, terminal));
  const accepted = { server: pin.server, tool: pin.tool, hash: pin.currentHash };
  const answer = await rest.request('POST', `${PATH}/accept`, accepted);
  terminal.out(options.json ? JSON.stringify(answer, null, 2) : `Accepted ${safe(nameOf(pin))}.`);
  return 0;
}
