// Ends by itself: at the start, with a last word on standard error, or in the middle of its nth call or list.
//   node crash.ts [--after-calls n] [--after-lists n] [--code c] [--ledger file]
import { parseArgs } from 'node:util';
import { echoReply, toolOf } from './echo.ts';
import { ledgerAt } from './ledger.ts';
import { runUpstream } from './raw.ts';

export const LAST_WORDS = 'crash fixture: the database file is missing';

const { values } = parseArgs({
  options: {
    'after-calls': { type: 'string' },
    'after-lists': { type: 'string' },
    code: { type: 'string', default: '3' },
    ledger: { type: 'string' },
  },
  strict: false,
});

function crash(): never {
  process.stderr.write(`${LAST_WORDS}\n`);
  process.exit(Number(values.code));
}

/** Crashes once it has been told of so many. */
function countdown(from: unknown): () => void {
  let left = Number(from ?? Infinity);
  return () => {
    if (--left <= 0) crash();
  };
}

if (import.meta.main) {
  const record = ledgerAt(typeof values.ledger === 'string' ? values.ledger : undefined);
  record('started', 'crash');
  if (values['after-calls'] === undefined && values['after-lists'] === undefined) crash();
  const called = countdown(values['after-calls']);
  const listed = countdown(values['after-lists']);
  const work = toolOf('work', 'Works until it crashes.', { key: { type: 'string' } }, (call) => {
    record('ran', String(call.args['key'] ?? call.id));
    called();
    return echoReply(call);
  });
  const list = `{"tools":[${work.definition}]}`;
  await runUpstream({
    serverInfo: '{"name":"crash","version":"1.0.0"}',
    tools: { work },
    methods: {
      'tools/list': () => {
        // After the answer has gone out.
        setImmediate(() => setImmediate(listed));
        return list;
      },
    },
  });
}
