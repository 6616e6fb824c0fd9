// Transport and protocol failures of an upstream, told as GatewayErrors that name the server.
import { GatewayError, isGatewayError, reasonOf } from '../core/errors.ts';

/** A socket's own words are short and harmless; what an upstream wrote is never quoted here. */
const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : reasonOf(error);
};

/** @param sent bytes of the request may have reached the server, so it may have run */
export function connectionFailed(server: string, error: unknown, sent: boolean): GatewayError {
  if (isGatewayError(error)) return error;
  const why = codeOf(error);
  return sent
    ? lost(server, `the connection broke (${why})`, error)
    : new GatewayError('UPSTREAM_DOWN', `Server "${server}" cannot be reached: ${why}.`, {
        cause: error,
        data: { server },
      });
}

/** Why an upstream is not there, without what it means for a call that was lost with it. */
export const causeOf = (error: unknown): string => {
  const reason = isGatewayError(error) ? error.data?.['reason'] : undefined;
  return typeof reason === 'string' ? reason : reasonOf(error);
};

export const lost = (server: string, what: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'UPSTREAM_LOST',
    `Server "${server}" gave no answer: ${what}. The call may have run; check before you call again.`,
    { cause, data: { server, reason: what } },
  );

export const invalid = (server: string, what: string, cause?: unknown): GatewayError =>
  new GatewayError('UPSTREAM_INVALID', `Server "${server}" sent no valid MCP message: ${what}`, {
    cause,
    data: { server },
  });

export const tooLarge = (server: string, limit: number): GatewayError =>
  new GatewayError(
    'RESULT_TOO_LARGE',
    `The answer of server "${server}" is larger than maxMessageBytes (${limit}). ` +
      'Ask for less, or raise maxMessageBytes for this server.',
    { data: { server, maxMessageBytes: limit } },
  );

export function refused(server: string, status: number): GatewayError {
  const hint =
    status === 401 || status === 403
      ? ' Check the credential in its "headers".'
      : status >= 300 && status < 400
        ? ' It redirects; put the final address into "url".'
        : '';
  return new GatewayError(
    'UPSTREAM_REFUSED',
    `Server "${server}" answered with HTTP status ${status}.${hint}`,
    { data: { server, status } },
  );
}
