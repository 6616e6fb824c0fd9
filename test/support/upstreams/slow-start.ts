// An echo that takes its time before it reads its first message.
//   node slow-start.ts [--delay ms] [--name n]
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { echoOptions } from './echo.ts';
import { runUpstream } from './raw.ts';

const { values } = parseArgs({
  options: {
    delay: { type: 'string', default: '2000' },
    name: { type: 'string', default: 'slow' },
  },
  strict: false,
});
await wait(Number(values.delay));
await runUpstream(echoOptions({ name: String(values.name) }));
