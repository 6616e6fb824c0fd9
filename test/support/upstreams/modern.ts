// The echo for modern clients alone, over Streamable HTTP. Prints its URL once it listens.
import { echoOptions } from './echo.ts';
import { runUpstream } from './raw.ts';

await runUpstream(echoOptions({ name: 'modern' }), [
  ...process.argv.slice(2),
  '--transport=http',
  '--era=modern',
]);
