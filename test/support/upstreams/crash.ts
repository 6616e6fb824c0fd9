// Ends by itself: at the start, with a last word on standard error, or in the middle of its nth call.
//   node crash.ts [--after-calls n] [--code c] [--ledger file]
import { parseArgs } from 'node:util';
import { echoReply, toolOf } from './echo.ts';
import { ledgerAt } from './ledger.ts';
import { runUpstream } from './raw.ts';

export const LAST_WORDS = 'crash fixture: the database file is missing';

const { values } = parseArgs({
  options: {
    'after-calls': { type: 'string' },
    code: { type: 'string', default: '3' },
    ledger: { type: 'string' },
  },
  strict: false,
});

function crash(): never {
  process.stderr.write(`${LAST_WORDS}\n`);
  process.exit(Number(values.code));
}

if (import.meta.main) {
  if (values['after-calls'] === undefined) crash();
  let left = Number(values['after-calls']);
  const record = ledgerAt(typeof values.ledger === 'string' ? values.ledger : undefined);
  const work = toolOf('work', 'Works until it crashes.', { key: { type: 'string' } }, (call) => {
    record('ran', String(call.args['key'] ?? call.id));
    return --left <= 0 ? crash() : echoReply(call);
  });
  await runUpstream({ serverInfo: '{"name":"crash","version":"1.0.0"}', tools: { work } });
}
