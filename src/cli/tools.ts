// `toolgate tools`: what a client would see.
import { findGateway } from './find-gateway.ts';
import type { GatewayOption } from './find-gateway.ts';
import { request } from './mcp-client.ts';
import { safe } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ToolsOptions extends GatewayOption {
  readonly json?: boolean;
}

interface Tool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: {
    readonly properties?: Readonly<Record<string, { readonly type?: unknown }>>;
    readonly required?: readonly string[];
  };
}

export async function tools(
  filter: string | undefined,
  options: ToolsOptions,
  terminal: Terminal,
): Promise<number> {
  await using found = await findGateway(options, terminal);
  const result = await request(found, { method: 'tools/list', params: {} });
  const { tools: all } = JSON.parse(result.toString()) as { tools: readonly Tool[] };
  const wanted = filter?.toLowerCase() ?? '';
  const shown = all.filter(({ name, description = '' }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  );
  if (options.json) terminal.out(JSON.stringify(shown, null, 2));
  else for (const tool of shown) terminal.out(describe(tool, terminal));
  if (shown.length === 0 && !options.json) {
    const hint = filter ? 'Try a shorter word.' : '"toolgate check" shows what each server says.';
    terminal.err(`No tool${filter ? ` matches "${filter}"` : ''}. ${hint}`);
  }
  return 0;
}

function describe({ name, description = '', inputSchema }: Tool, terminal: Terminal): string {
  const required = new Set(inputSchema?.required ?? []);
  const args = Object.entries(inputSchema?.properties ?? {}).map(([key, { type }]) => {
    const kind = typeof type === 'string' ? `: ${type}` : '';
    return `${safe(key)}${required.has(key) ? '' : '?'}${safe(kind)}`;
  });
  const firstLine = safe(description.trim().split('\n')[0] ?? '').slice(0, 110);
  return `${terminal.bold(safe(name))}(${args.join(', ')})\n    ${terminal.dim(firstLine)}`;
}
