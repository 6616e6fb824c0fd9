// `toolgate approvals` and `toolgate grants`: what waits for a yes, and what has a standing one.
import { GatewayError } from '../core/errors.ts';
import { joinGateway } from './approvals-desk.ts';
import type { GatewayOption } from './find-gateway.ts';
import type { RestClient } from './rest-client.ts';
import { safe, table } from './terminal.ts';
import type { Terminal } from './terminal.ts';

export interface ApprovalsOptions extends GatewayOption {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly watch?: boolean;
}

export interface ApproveOptions extends GatewayOption {
  readonly json?: boolean;
  readonly hour?: boolean;
  readonly always?: boolean;
}

interface Approval {
  readonly id: string;
  readonly status: string;
  readonly server: string;
  readonly tool: string;
  readonly mode: string;
  readonly expiresAt: string;
  readonly url: string;
  readonly caller: { readonly name: string };
  readonly decidedBy?: string;
  readonly description?: string;
  readonly arguments?: string;
}

interface Grant {
  readonly id: string;
  readonly key: string;
  readonly server: string;
  readonly tool: string;
  readonly grantedBy: string;
  readonly expiresAt?: string;
}

const PATH = '/v1/mcp/approvals';
const GRANTS = '/v1/mcp/grants';
const WATCH_MS = 1_000;

const pathOf = (id: string): string => `${PATH}/${encodeURIComponent(id)}`;

const printJson = (value: unknown, terminal: Terminal): number => {
  terminal.out(JSON.stringify(value, null, 2));
  return 0;
};

async function listFrom(rest: RestClient, all: boolean | undefined): Promise<readonly Approval[]> {
  const answer = await rest.request('GET', all ? PATH : `${PATH}?status=pending`);
  return (answer as { approvals: Approval[] }).approvals;
}

async function showFrom(rest: RestClient, id: string): Promise<Approval> {
  return ((await rest.request('GET', pathOf(id))) as { approval: Approval }).approval;
}

export async function listApprovals(
  options: ApprovalsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  if (options.watch) return await watch(rest, terminal);
  const approvals = await listFrom(rest, options.all);
  if (options.json) return printJson(approvals, terminal);
  if (approvals.length === 0) {
    terminal.err(options.all ? 'Nothing was ever asked for.' : 'Nothing waits for a yes.');
    return 0;
  }
  const head = ['ID', 'STATUS', 'SERVER', 'TOOL', 'FOR', 'EXPIRES'];
  const rows = approvals.map((one) => [
    one.id,
    one.mode === 'review' ? `${one.status} (review)` : one.status,
    one.server,
    one.tool,
    one.caller.name,
    one.expiresAt,
  ]);
  terminal.out(table([head, ...rows].map((row) => row.map(safe))));
  return 0;
}

export async function showApproval(
  id: string,
  options: ApprovalsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  const approval = await showFrom(rest, id);
  if (options.json) return printJson(approval, terminal);
  terminal.out(describe(approval, terminal));
  return 0;
}

function describe(approval: Approval, terminal: Terminal): string {
  const {
    id,
    status,
    server,
    tool,
    caller,
    mode,
    expiresAt,
    url,
    decidedBy,
    description,
    arguments: args,
  } = approval;
  const by = decidedBy === undefined ? '' : ` by ${safe(decidedBy)}`;
  const lines = [
    terminal.bold(`${safe(tool)} of ${safe(server)}, for ${safe(caller.name)}`),
    `${status}${by}${mode === 'review' ? ', to be reviewed by another principal' : ''}, expires ${expiresAt}`,
  ];
  if (description) lines.push('', terminal.dim(safe(description.trim())));
  lines.push('', 'Arguments:', safe(args ?? '  (cannot be read)'), '');
  if (status === 'pending')
    lines.push(`toolgate approvals approve ${id}`, `toolgate approvals deny ${id}`, url);
  return lines.join('\n').trimEnd();
}

/** @throws GatewayError PARAMS_INVALID */
function answerOf({ hour, always }: ApproveOptions): 'once' | 'hour' | 'always' {
  if (hour && always)
    throw new GatewayError('PARAMS_INVALID', 'Give --hour or --always, not both.');
  if (hour) return 'hour';
  return always ? 'always' : 'once';
}

const GIVEN = {
  once: 'once',
  hour: 'and, for an hour, every call of this tool by this key',
  always: 'and, until revoked, every call of this tool by this key',
} as const;

export async function approve(
  id: string,
  options: ApproveOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  const answer = answerOf(options);
  const { approval } = (await rest.request('POST', `${pathOf(id)}/approve`, { answer })) as {
    approval: Approval;
  };
  if (options.json) return printJson(approval, terminal);
  const { tool, server, caller } = approval;
  terminal.out(
    `Approved ${GIVEN[answer]}: ${safe(tool)} of ${safe(server)}, for ${safe(caller.name)}.`,
  );
  terminal.err(
    terminal.dim('It runs now if its caller still waits, or when it is called again unchanged.'),
  );
  return 0;
}

export async function deny(
  id: string,
  options: ApprovalsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  const { approval } = (await rest.request('POST', `${pathOf(id)}/deny`, {})) as {
    approval: Approval;
  };
  if (options.json) return printJson(approval, terminal);
  terminal.out(
    `Denied: ${safe(approval.tool)} of ${safe(approval.server)}, for ${safe(approval.caller.name)}.`,
  );
  return 0;
}

/** Tells each call that waits, once, until it is stopped. */
async function watch(rest: RestClient, terminal: Terminal): Promise<number> {
  terminal.err(terminal.dim('Waiting for calls that need a yes. Ctrl+C stops.'));
  let told = new Set<string>();
  for (;;) {
    const pending = await listFrom(rest, false);
    for (const { id } of pending.toReversed()) {
      if (told.has(id)) continue;
      terminal.out(`${describe(await showFrom(rest, id), terminal)}\n`);
    }
    told = new Set(pending.map(({ id }) => id));
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
}

export async function listGrants(options: ApprovalsOptions, terminal: Terminal): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  const { grants } = (await rest.request('GET', GRANTS)) as { grants: Grant[] };
  if (options.json) return printJson(grants, terminal);
  if (grants.length === 0) {
    terminal.err('Nothing has a standing yes.');
    return 0;
  }
  const head = ['ID', 'SERVER', 'TOOL', 'FOR KEY', 'BY', 'UNTIL'];
  const rows = grants.map(({ id, server, tool, key, grantedBy, expiresAt }) => [
    id,
    server,
    tool,
    key,
    grantedBy,
    expiresAt ?? 'revoked',
  ]);
  terminal.out(table([head, ...rows].map((row) => row.map(safe))));
  return 0;
}

export async function revokeGrant(
  id: string,
  options: ApprovalsOptions,
  terminal: Terminal,
): Promise<number> {
  await using rest = await joinGateway(options, terminal);
  await rest.request('DELETE', `${GRANTS}/${encodeURIComponent(id)}`);
  if (options.json) return printJson({ id, revoked: true }, terminal);
  terminal.out(`Revoked ${safe(id)}. The tool is asked for again.`);
  return 0;
}
