import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../core/errors.ts';

const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError(
    'BODY_TOO_LARGE',
    `The request is larger than ${maxBytes} bytes (\`gateway.maxRequestBytes\`).`,
    { data: { maxBytes } },
  );

/** @throws GatewayError MEDIA_TYPE_UNSUPPORTED, BODY_TOO_LARGE: what the head alone tells */
export function assertBodyHead({ headers }: IncomingMessage, maxBytes: number): void {
  const type = headers['content-type'];
  if (type !== 'application/json' && !/^application\/json\s*(?:;|$)/i.test(type ?? '')) {
    const got = type === undefined ? 'it has no Content-Type' : `not ${JSON.stringify(type)}`;
    throw new GatewayError(
      'MEDIA_TYPE_UNSUPPORTED',
      `The request body must be application/json; ${got}.`,
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    const text = `The request body must not be compressed; Content-Encoding is ${JSON.stringify(encoding)}.`;
    throw new GatewayError('MEDIA_TYPE_UNSUPPORTED', text);
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) > maxBytes) throw tooLarge(maxBytes);
}

/**
 * The whole body. How long it may take is for the HTTP server's `requestTimeout`.
 * @throws GatewayError BODY_TOO_LARGE; REQUEST_INVALID when the client leaves halfway
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        req.off('data', onData);
        // What still comes is read and thrown away, so that the client gets to read its answer.
        req.resume();
        reject(tooLarge(maxBytes));
      } else if (!first) first = chunk;
      else (rest ??= [first]).push(chunk);
    };
    req.on('data', onData);
    req.on('end', () => resolve(rest ? Buffer.concat(rest, length) : (first ?? Buffer.alloc(0))));
    const onGone = () => {
      if (!req.complete) reject(new GatewayError('REQUEST_INVALID', 'The request body broke off.'));
    };
    req.on('error', onGone);
    req.on('close', onGone);
  });
}
