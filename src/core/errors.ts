// Every failure that a person or a program can meet, with what each door says about it.

interface ErrorKind {
  /** HTTP status on REST, and on MCP over HTTP where the failure belongs to the transport. */
  readonly status: number;
  /** JSON-RPC error code. Own codes lie outside -32768..-32000, as the specification asks. */
  readonly rpc: number;
  /** The same request may succeed later, unchanged. */
  readonly retryable: boolean;
  /** What it means and what to do, for the README's table. */
  readonly meaning: string;
}

const kind = (status: number, rpc: number, retryable: boolean, meaning: string): ErrorKind => ({
  status,
  rpc,
  retryable,
  meaning,
});

// One row a code.
// oxfmt-ignore
export const ERRORS = {
  JSON_INVALID: kind(400, -32700, false, 'The message is not strict JSON in UTF-8. The text says at which byte.'),
  REQUEST_INVALID: kind(400, -32600, false, 'The JSON is no JSON-RPC 2.0 message, or has a key twice.'),
  METHOD_NOT_FOUND: kind(404, -32601, false, 'The method does not exist in this protocol revision or on this endpoint.'),
  PARAMS_INVALID: kind(400, -32602, false, 'A parameter is missing or has the wrong type. The text names it.'),
  HEADER_MISMATCH: kind(400, -32020, false, 'An MCP header is missing or differs from the body.'),
  VERSION_UNSUPPORTED: kind(400, -32022, false, 'The protocol version is not served. `data.supported` lists those that are.'),
  CREDENTIAL_MISSING: kind(401, -31001, false, 'No key was sent. Send `Authorization: Bearer tg_…`.'),
  CREDENTIAL_INVALID: kind(401, -31002, false, 'The key is unknown, expired or disabled. `toolgate snippet <host>` prints one that works.'),
  HOST_REFUSED: kind(403, -31003, false, 'The Host header names no address of this gateway. Set `gateway.publicUrl`.'),
  ORIGIN_REFUSED: kind(403, -31004, false, 'A web page of another origin called. Set `gateway.allowOrigins`.'),
  NOT_FOUND: kind(404, -31005, false, 'There is nothing at this path.'),
  METHOD_NOT_ALLOWED: kind(405, -31006, false, 'The path does not take this HTTP method. `Allow` lists those it takes.'),
  NOT_ACCEPTABLE: kind(406, -31007, false, 'The client must accept both application/json and text/event-stream.'),
  BODY_TOO_LARGE: kind(413, -31008, false, 'The request is larger than `gateway.maxRequestBytes`.'),
  MEDIA_TYPE_UNSUPPORTED: kind(415, -31009, false, 'The request body must be application/json.'),
  SESSION_MISSING: kind(400, -32000, false, 'The request needs the Mcp-Session-Id that initialize returned.'),
  SESSION_UNKNOWN: kind(404, -32001, false, 'The session has ended or never was. Initialize again.'),
  TOO_MANY_SESSIONS: kind(503, -31010, true, 'All `gateway.maxSessions` sessions are in use. Idle ones end by themselves.'),
  TOO_MANY_STREAMS: kind(429, -31027, true, 'This key has as many `subscriptions/listen` streams as one may have. Close some.'),
  TOOL_NOT_FOUND: kind(404, -32602, false, 'No such tool for this key. `toolgate tools` lists those there are.'),
  PROMPT_NOT_FOUND: kind(404, -32602, false, 'No such prompt for this key.'),
  RESOURCE_NOT_FOUND: kind(404, -32602, false, 'No server has this resource, or not for this key.'),
  SERVER_NOT_FOUND: kind(404, -31011, false, 'No server of that name is configured.'),
  UPSTREAM_DOWN: kind(502, -31012, true, 'The server behind the gateway cannot be reached. The text says why.'),
  UPSTREAM_LOST: kind(502, -31013, false, 'The server ended or the connection broke during the call. It may have run.'),
  UPSTREAM_TIMEOUT: kind(504, -31014, false, 'The server did not answer within `timeoutSeconds`. It may have run.'),
  UPSTREAM_INVALID: kind(502, -31015, false, 'The server answered with something that is no valid MCP message.'),
  UPSTREAM_REFUSED: kind(502, -31016, false, 'The server refused the request. The text has its HTTP status or error code.'),
  UPSTREAM_BUSY: kind(503, -31017, true, 'Too many calls wait for this server.'),
  RESULT_TOO_LARGE: kind(502, -31018, false, 'The result is larger than `maxMessageBytes` of the server.'),
  ADDRESS_REFUSED: kind(502, -31019, false, 'The address is link-local or a metadata service and not in `allowAddresses`.'),
  CALL_CANCELLED: kind(499, -31020, false, 'The caller cancelled the call.'),
  SHUTTING_DOWN: kind(503, -31021, true, 'The gateway is stopping. Call again once it is back.'),
  CONFIG_INVALID: kind(500, -31022, false, 'The configuration file is wrong. The text names path, expected and got.'),
  PORT_IN_USE: kind(500, -31023, false, 'Another program listens on the port. Set `gateway.port` or stop it.'),
  GATEWAY_RUNNING: kind(500, -31024, false, 'A gateway already runs on this data directory.'),
  GATEWAY_NOT_RUNNING: kind(500, -31025, true, 'No gateway answers at the address.'),
  DATA_UNREADABLE: kind(500, -31026, false, 'The data directory cannot be read or written.'),
  DEFINITION_CHANGED: kind(409, -31050, true, 'The definition of the tool has changed since it was looked at or the call was made. Look or call again.'),
  ARGUMENTS_INVALID: kind(400, -32602, false, 'The arguments do not fit the schema of the tool. `data.faults` lists path, expected and got.'),
  APPROVAL_PENDING: kind(202, -31030, true, 'The call waits for a yes. `data.approval` says which and until when.'),
  APPROVAL_DENIED: kind(403, -31031, false, 'Somebody who may decide said no to this call.'),
  APPROVAL_NOT_FOUND: kind(404, -31032, false, 'No such approval for this key.'),
  APPROVAL_EXPIRED: kind(410, -31033, false, 'The approval has expired. Make the call again.'),
  APPROVAL_DECIDED: kind(409, -31034, false, 'The approval was decided or used already.'),
  APPROVAL_UNKNOWN: kind(409, -31035, false, 'The gateway stopped while the approved call ran. It may have run.'),
  STATE_INVALID: kind(400, -32602, false, 'The requestState was altered, is of another request or key, or has expired.'),
  ROLE_MISSING: kind(403, -31040, false, 'The key is valid but its role may not do this. Use one with the role named.'),
  KEY_NOT_FOUND: kind(404, -31041, false, 'There is no virtual key of that id or name. `toolgate keys list` shows them.'),
  KEY_EXISTS: kind(409, -31042, false, 'Another key has the name already. Choose another name.'),
  KEY_FIXED: kind(409, -31043, false, 'The key is of the configuration file or of the first start: change it there.'),
  SEAL_KEY_WRONG: kind(500, -31044, false, 'The seal key is not the one that the stored data was sealed with.'),
  INTERNAL: kind(500, -32603, false, 'A fault of the gateway. The log has the details under the id in the text.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface GatewayErrorOptions {
  readonly cause?: unknown;
  /** Structured facts for programs; becomes `error.data` and members of problem+json. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The one error class: a code of the table, a sentence (what, which, what to do), and facts. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get rpcCode(): number {
    return ERRORS[this.code].rpc;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

export const isGatewayError = (error: unknown): error is GatewayError =>
  error instanceof GatewayError;

/** The text of whatever was thrown, for messages that quote a cause. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
