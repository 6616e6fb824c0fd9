// Never answers: calls, or lists as well, or nothing at all from the start.
//   node hang.ts [--at call|list|start] [--ledger file]
import { parseArgs } from 'node:util';
import { toolOf } from './echo.ts';
import { ledgerAt } from './ledger.ts';
import { runUpstream } from './raw.ts';
import { type Handler, type RawCall, cancelled, textResult } from './raw/call.ts';
import type { RawServerOptions } from './raw/server.ts';

export type HangPoint = 'call' | 'list' | 'start';

export interface HangOptions {
  readonly at?: HangPoint;
  readonly ledger?: string;
}

const never: Handler = () => undefined;

const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];

function silenced(at: HangPoint): Record<string, Handler> {
  const methods = { call: [], list: LISTS, start: [...LISTS, 'initialize', 'server/discover'] }[at];
  return Object.fromEntries(methods.map((method) => [method, never]));
}

/** The tool `hang` never answers, `quick` does at once. */
export function hangOptions({ at = 'call', ledger }: HangOptions = {}): RawServerOptions {
  const record = ledgerAt(ledger);
  const hang = async (call: RawCall): Promise<undefined> => {
    const key = typeof call.args['key'] === 'string' ? call.args['key'] : call.id;
    record('started', key);
    await cancelled(call.signal);
    record('cancelled', key);
  };
  const properties = { key: { type: 'string' } };
  return {
    serverInfo: '{"name":"hang","version":"1.0.0"}',
    tools: {
      hang: toolOf('hang', 'Never answers.', properties, hang),
      quick: toolOf('quick', 'Answers at once.', {}, () => textResult('quick')),
    },
    methods: silenced(at),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { at: { type: 'string' }, ledger: { type: 'string' } },
    strict: false,
  });
  await runUpstream(
    hangOptions({
      at: (values.at ?? 'call') as HangPoint,
      ...(typeof values.ledger === 'string' ? { ledger: values.ledger } : {}),
    }),
  );
}
