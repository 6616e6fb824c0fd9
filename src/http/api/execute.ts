// Explicit execution: runs one tool call that an application, or a person in front of it, has said yes to.
import { randomUUID } from 'node:crypto';
import type { Call, Message } from '../../core/call.ts';
import { GatewayError, isGatewayError } from '../../core/errors.ts';
import type { StoredApproval } from '../../core/store.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { Approvals } from '../../policy/approvals.ts';
import { narrowFrom } from '../../policy/narrow.ts';
import { VERSION } from '../../version.ts';
import { META, MODERN_VERSION, resultTypeOf } from '../../wire/era.ts';
import { parseAt, sliceOf } from '../../wire/json.ts';
import { readMessage } from '../../wire/message.ts';
import type { Answer, AskedBy, KeyRoute } from '../route.ts';
import { toAnswer } from './execute-answer.ts';
import { readExecuteBody } from './execute-body.ts';
import type { ExecuteBody } from './execute-body.ts';

export interface ExecuteDependencies {
  readonly gateway: Pick<Gateway, 'call'>;
  readonly approvals: Pick<Approvals, 'get' | 'argumentsOf'>;
  readonly maxRequestBytes: number;
}

const CLIENT = JSON.stringify({ name: 'toolgate-rest', version: VERSION });
const ENVELOPE = JSON.stringify({
  [META.protocolVersion]: MODERN_VERSION,
  [META.clientInfo]: { name: 'toolgate-rest', version: VERSION },
  [META.clientCapabilities]: {},
});

export const executeRoutes = (dependencies: ExecuteDependencies): readonly KeyRoute[] => [
  {
    method: 'POST',
    path: '/v1/mcp/tool/execute',
    access: 'caller',
    maxBodyBytes: dependencies.maxRequestBytes,
    handle: (asked) => execute(dependencies, asked),
  },
];

async function execute(
  { gateway, approvals }: ExecuteDependencies,
  asked: AskedBy,
): Promise<Answer> {
  const body = readExecuteBody(asked.body, asked.query);
  const { name, json } = await wantedCall(body, asked, approvals);
  let response: Message;
  try {
    response = await gateway.call(toCall(asked, name, json));
  } catch (error) {
    if (isGatewayError(error) && error.code === 'APPROVAL_PENDING') return waiting(error);
    throw error;
  }
  return {
    status: 200,
    body: toAnswer(resultOf(response), { format: body.format, id: body.id, name }),
  };
}

async function wantedCall(
  { wanted }: ExecuteBody,
  asked: AskedBy,
  approvals: ExecuteDependencies['approvals'],
) {
  if (wanted.kind === 'call') return { name: wanted.name, json: wanted.arguments };
  const { approvalId } = wanted;
  const approval = await approvals.get(approvalId);
  if (approval?.principal !== asked.principal.id) {
    throw new GatewayError(
      'APPROVAL_NOT_FOUND',
      `There is no approval ${JSON.stringify(approvalId)} for this key.`,
    );
  }
  assertUsable(approval);
  const json = approvals.argumentsOf(approval);
  if (json === undefined)
    throw new GatewayError('DATA_UNREADABLE', `The arguments of ${approvalId} cannot be read.`);
  return { name: approval.exposed, json: Buffer.from(json) };
}

/** What is over is told by its own status, not asked for anew. */
function assertUsable({ id, status, result }: StoredApproval): void {
  const data = { approval: { id, status } };
  switch (status) {
    case 'denied':
      throw new GatewayError('APPROVAL_DENIED', `The call was denied under ${id}.`, { data });
    case 'expired':
      throw new GatewayError(
        'APPROVAL_EXPIRED',
        `The approval ${id} has expired. Make the call again.`,
        { data },
      );
    case 'unknown':
      throw new GatewayError(
        'APPROVAL_UNKNOWN',
        `The call of ${id} may have run; it is not run again.`,
        { data },
      );
    case 'done':
    case 'failed':
      if (result !== undefined) return;
      throw new GatewayError('APPROVAL_DECIDED', `The approval ${id} was used already.`, { data });
    case 'pending':
    case 'approved':
    case 'claimed':
  }
}

/** The same Call that every other door makes. */
function toCall({ principal, headers, signal }: AskedBy, name: string, json: Buffer): Call {
  const head = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":`;
  const message = readMessage(
    Buffer.concat([Buffer.from(head), json, Buffer.from(`,"_meta":${ENVELOPE}}}`)]),
  );
  return {
    id: `rest-${randomUUID()}`,
    principal,
    door: 'rest',
    client: {
      era: 'modern',
      protocolVersion: MODERN_VERSION,
      info: Buffer.from(CLIENT),
      capabilities: Buffer.from('{}'),
    },
    scope: undefined,
    narrow: narrowFrom(headers),
    method: 'tools/call',
    name,
    message,
    logLevel: undefined,
    signal,
    onNotification: () => undefined,
    isGone: () => signal.aborted,
    ask: undefined,
  };
}

const waiting = ({ message, data }: GatewayError): Answer => ({
  status: 202,
  body: { message, ...data },
});

/** Raw JSON of a CallToolResult; a protocol error of the server becomes one, for the model must hear of it. */
function resultOf(response: Message): Buffer {
  const { bytes, result, error } = response;
  if (result && resultTypeOf(response) === 'input_required') {
    throw new GatewayError(
      'UPSTREAM_INVALID',
      'The tool asks its caller something, which a REST call cannot answer.',
    );
  }
  if (result) return sliceOf(bytes, result);
  const { code, message } = parseAt(bytes, error!) as { code?: unknown; message?: unknown };
  const words = JSON.stringify(`Error ${String(code)}: ${String(message)}`);
  const raw = sliceOf(bytes, error!).toString();
  return Buffer.from(
    `{"resultType":"complete","content":[{"type":"text","text":${words}}],"isError":true,"_meta":{"io.toolgate/error":${raw}}}`,
  );
}
