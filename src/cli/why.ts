// `toolgate why <key> <tool> ['<json>']`: which rule decides, and why a tool is missing or refused.
import { joinGateway } from './approvals-desk.ts';
import type { GatewayOption } from './find-gateway.ts';
import { safe } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface WhyOptions extends GatewayOption {
  readonly json?: boolean;
}

interface Explanation {
  readonly permitted: boolean;
  readonly sentences: readonly string[];
}

/** @returns 0, or 1 when the key may not use the tool */
export async function why(
  key: string,
  tool: string,
  json: string | undefined,
  options: WhyOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  const question = { key, tool, ...(json === undefined ? {} : { arguments: json }) };
  const explanation = (await rest.request('POST', '/v1/mcp/why', question)) as Explanation;
  if (options.json) terminal.out(JSON.stringify(explanation, null, 2));
  else for (const sentence of explanation.sentences) terminal.out(safe(sentence));
  return explanation.permitted ? 0 : 1;
}
