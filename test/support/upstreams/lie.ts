// Breaks the rules: in its answers to the tool `lie` {how}, and in its lists.
//   node lie.ts [--list sloppy|endless|same-cursor|wrong-shape|duplicates|huge]
import { parseArgs } from 'node:util';
import { malformedMessages } from '../malformed.ts';
import { echoReply, toolOf } from './echo.ts';
import { runUpstream } from './raw.ts';
import { type Handler, type RawCall, type Reply, cancelled, textResult } from './raw/call.ts';
import type { RawServerOptions } from './raw/server.ts';

const OK = '{"resultType":"complete","content":[{"type":"text","text":"true"}]}';
const WRONG = '{"resultType":"complete","content":[{"type":"text","text":"a lie"}]}';

const response = (id: string, result: string): string =>
  `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

const instead = (message: string | Buffer): Reply => ({ message });

/** Sends something first, then the true answer. */
const first =
  (lie: (call: RawCall) => string | Buffer): Handler =>
  (call) => {
    call.outlet.send(lie(call));
    return OK;
  };

const depth = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

async function answersTooLate(call: RawCall): Promise<Reply> {
  await cancelled(call.signal);
  call.outlet.send(response(call.id, WRONG));
  return undefined;
}

function manyMalformed(call: RawCall): Reply {
  const { count = 100, seed = 1 } = call.args;
  const like = (n: number): string => response(String(1_000_000 + n), OK);
  for (const bytes of malformedMessages(Number(seed), Number(count), like)) call.outlet.send(bytes);
  return OK;
}

/** The true answer, changed in the way that the seed chooses. */
function malformedSomehow(call: RawCall): Reply {
  const [message] = malformedMessages(Number(call.args['seed'] ?? 1), 1, () =>
    response(call.id, OK),
  );
  return instead(message!);
}

function truncated(call: RawCall): Reply {
  process.stdout.write(response(call.id, OK).slice(0, 20));
  return process.exit(1);
}

function progressAfterwards(call: RawCall): Reply {
  call.outlet.send(response(call.id, OK));
  call.progress(99, 100, 'after the result');
  return undefined;
}

/** What `how` may be. Those that never answer truly leave the call to its deadline. */
export const LIES: Readonly<Record<string, Handler>> = {
  'wrong id': () => instead(response('987654', WRONG)),
  'wrong id, then right': first(() => response('987654', WRONG)),
  'id as a string': (call) => instead(response(JSON.stringify(call.id), WRONG)),
  'id null': () => instead(response('null', WRONG)),
  'id missing': () => instead(`{"jsonrpc":"2.0","result":${WRONG}}`),
  malformed: (call) => instead(`{"jsonrpc":"2.0","id":${call.id},"result":{"content":[}`),
  'malformed without id': () => instead('{"jsonrpc":"2.0","result":{"content":[}'),
  'malformed, then right': first(() => '{"jsonrpc":"2.0","result":{"content":[}'),
  'not JSON': () => instead('Segmentation fault'),
  'invalid UTF-8': (call) =>
    instead(
      Buffer.concat([
        Buffer.from(`{"jsonrpc":"2.0","id":${call.id},"result":{"content":[],"x":"`),
        Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
        Buffer.from('"}}'),
      ]),
    ),
  'trailing junk': (call) => instead(`${response(call.id, WRONG)} trailing`),
  'answered twice': first((call) => response(call.id, OK)),
  'result and error': (call) =>
    instead(`{"jsonrpc":"2.0","id":${call.id},"result":${WRONG},"error":{"code":1,"message":"m"}}`),
  'neither result nor error': (call) => instead(`{"jsonrpc":"2.0","id":${call.id}}`),
  'no jsonrpc': (call) => instead(`{"id":${call.id},"result":${OK}}`),
  'result is a string': (call) => instead(response(call.id, '"a lie"')),
  'result is null': (call) => instead(response(call.id, 'null')),
  'content is no array': (call) => instead(response(call.id, '{"content":"a lie"}')),
  'error is a string': (call) => instead(`{"jsonrpc":"2.0","id":${call.id},"error":"a lie"}`),
  'error code is a string': (call) =>
    instead(`{"jsonrpc":"2.0","id":${call.id},"error":{"code":"E","message":7}}`),
  'unknown result type': (call) => instead(response(call.id, '{"resultType":"x-mystery"}')),
  'keys twice': (call) =>
    instead(`{"jsonrpc":"2.0","id":555,"id":${call.id},"result":${WRONG},"result":${OK}}`),
  'a batch': (call) => instead(`[${response(call.id, OK)}]`),
  'too deep': (call) => instead(response(call.id, `{"content":[],"x":${depth(100_000)}}`)),
  'too big': (call) =>
    instead(
      response(call.id, `{"content":[],"x":"${'x'.repeat(Number(call.args['bytes'] ?? 1e6))}"}`),
    ),
  'a request with the same id': first(
    (call) => `{"jsonrpc":"2.0","id":${call.id},"method":"roots/list","params":{}}`,
  ),
  'an unknown request': first(() => '{"jsonrpc":"2.0","id":"u","method":"x/unknown","params":{}}'),
  'progress with an unknown token': first(
    () =>
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"nobody","progress":1}}',
  ),
  'progress without params': first(() => '{"jsonrpc":"2.0","method":"notifications/progress"}'),
  'progress after the result': progressAfterwards,
  'progress with a key twice': first(
    (call) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${call.id},"progressToken":${call.id},"progress":1}}`,
  ),
  'an update with a key twice': first(
    () =>
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b","uri":"a:c"}}',
  ),
  'a change with odd params': first(
    () => '{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":7}}',
  ),
  'malformed somehow': malformedSomehow,
  'many malformed, then right': manyMalformed,
  'empty lines, then right': first(() => '\n\r\n \n'),
  'late answer': answersTooLate,
  'half a line, then the end': truncated,
};

const GOOD = '{"name":"good","inputSchema":{"type":"object"}}';

const SLOPPY = [
  GOOD,
  '{"name":"no_schema"}',
  '{"name":"odd_types","title":7,"description":{"a":1},"inputSchema":{"type":"object"},"annotations":"none"}',
  '{"name":"schema_array","inputSchema":[]}',
  '{"name":7,"inputSchema":{"type":"object"}}',
  '{"inputSchema":{"type":"object"}}',
  '"just a name"',
  'null',
  '{"name":"","inputSchema":{"type":"object"}}',
  `{"name":"${'n'.repeat(300)}","inputSchema":{"type":"object"}}`,
  '{"name":"white space\\n","inputSchema":{"type":"object"}}',
  '{"name":"lie","inputSchema":{"type":"object"}}',
];

const page = (tools: string[], cursor?: string): string =>
  `{"tools":[${tools.join(',')}]${cursor === undefined ? '' : `,"nextCursor":${cursor}`}}`;

const LISTS: Readonly<Record<string, Handler>> = {
  sloppy: () => page(SLOPPY),
  endless: (call) => {
    const n = Number(call.parsed['cursor'] ?? 0) + 1;
    return page([GOOD.replace('good', `good_${n}`)], `"${n}"`);
  },
  'same-cursor': () => page([GOOD], '"again"'),
  'wrong-shape': () => '{"tools":{"good":{}}}',
  duplicates: () => page([GOOD, GOOD, GOOD.replace('object', 'string')]),
  huge: () =>
    page(
      Array.from(
        { length: 20_000 },
        (_, n) => `{"name":"t${n}","description":"${'d'.repeat(1000)}"}`,
      ),
    ),
  'cursor-is-number': (call) => page([GOOD], call.parsed['cursor'] === undefined ? '7' : undefined),
};

/** Lists sloppily unless told another way, and forgets `ttlMs`. */
export function lieOptions(list = 'sloppy'): RawServerOptions {
  const lie = (call: RawCall): Reply | Promise<Reply> =>
    LIES[String(call.args['how'])]?.(call) ?? textResult('no such lie');
  return {
    serverInfo: '{"name":"lie","version":"1.0.0"}',
    cache: 'omit',
    tools: {
      lie: toolOf('lie', 'Lies as told.', { how: { enum: Object.keys(LIES) } }, lie),
      good: toolOf('good', 'Echoes truly.', {}, echoReply),
      no_schema: toolOf('no_schema', 'Echoes truly.', {}, echoReply),
    },
    methods: { 'tools/list': LISTS[list] ?? LISTS['sloppy']! },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { list: { type: 'string' } }, strict: false });
  await runUpstream(lieOptions(typeof values.list === 'string' ? values.list : 'sloppy'));
  // One more question for a client that has said goodbye.
  const question = '{"jsonrpc":"2.0","id":"last","method":"ping"}';
  process.stdin.once('end', () => process.stdout.write(`${question}\n`));
}
