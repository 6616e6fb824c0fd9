// The echo over HTTP+SSE, the transport of 2024-11-05. Prints its URL once it listens.
import { echoOptions } from './echo.ts';
import { runUpstream } from './raw.ts';

await runUpstream(echoOptions({ name: 'legacy-sse' }), [
  ...process.argv.slice(2),
  '--transport=sse',
]);
