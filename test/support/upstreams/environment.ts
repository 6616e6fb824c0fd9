// A child server that shows the environment it was started with.
import { runUpstream } from './raw.ts';
import { textResult } from './raw/call.ts';

await runUpstream({
  tools: {
    environment: {
      definition: '{"name":"environment","inputSchema":{"type":"object"}}',
      call: () => textResult(JSON.stringify(process.env)),
    },
  },
});
