// An echo whose mood at its start stands in a file, so that it can change under an unchanged configuration:
// `hang` never answers, `crash` ends with a last word on standard error, anything else serves.
//   node moody.ts --mood file [--name n]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LAST_WORDS } from './crash.ts';
import { echoOptions } from './echo.ts';
import { hangOptions } from './hang.ts';
import { runUpstream } from './raw.ts';

const { values } = parseArgs({
  options: { mood: { type: 'string' }, name: { type: 'string', default: 'moody' } },
  strict: false,
});
const mood = readFileSync(String(values.mood), 'utf8').trim();
if (mood === 'crash') {
  process.stderr.write(`${LAST_WORDS}\n`);
  process.exit(3);
}
await runUpstream(
  mood === 'hang' ? hangOptions({ at: 'start' }) : echoOptions({ name: String(values.name) }),
);
