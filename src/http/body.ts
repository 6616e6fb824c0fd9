// The JSON body of a REST request: capped while it comes, strict, and known members only.
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { checkJson, isArrayAt, isObjectAt, elementsOf, uniqueMembersOf } from '../wire/json.ts';
import type { Span } from '../core/call.ts';

const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError('BODY_TOO_LARGE', `The request body is larger than ${maxBytes} bytes.`, {
    data: { maxBytes },
  });

const isEmpty = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;

/**
 * @returns the bytes; none when the request has no body
 * @throws GatewayError MEDIA_TYPE_UNSUPPORTED, BODY_TOO_LARGE; REQUEST_INVALID when the client leaves halfway
 */
export function readBody(req: IncomingMessage, maxBytes: number, form = false): Promise<Buffer> {
  if (isEmpty(req)) return Promise.resolve(Buffer.alloc(0));
  const { headers } = req;
  const type = headers['content-type'] ?? '';
  // A form of a web page could be sent without asking; JSON cannot.
  const wanted = form ? 'application/x-www-form-urlencoded' : 'application/json';
  const given = type.split(';')[0]!.trim().toLowerCase();
  if (given !== wanted || (headers['content-encoding'] ?? 'identity') !== 'identity') {
    const text = `The request body must be ${wanted}, not compressed.`;
    return Promise.reject(new GatewayError('MEDIA_TYPE_UNSUPPORTED', text));
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return collect(req, maxBytes);
}

function collect(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxBytes) return void chunks.push(chunk);
    req.off('data', onData);
    // What still comes is read and thrown away, so that the client gets to read its answer.
    req.resume();
    reject(tooLarge(maxBytes));
  };
  const onGone = () => {
    if (!req.complete) reject(new GatewayError('REQUEST_INVALID', 'The request body broke off.'));
  };
  req.on('data', onData);
  req.on('end', () => resolve(Buffer.concat(chunks, length)));
  req.on('error', onGone);
  req.on('close', onGone);
  return promise;
}

const MAX_DEPTH = 32;

/** A key that stands twice is read in two ways by two programs. */
function assertUnique(bytes: Buffer, span: Span, depth = 0): void {
  if (depth > MAX_DEPTH) throw new GatewayError('PARAMS_INVALID', 'The body is nested too deeply.');
  if (isObjectAt(bytes, span)) {
    for (const { value } of uniqueMembersOf(bytes, span, 'the body'))
      assertUnique(bytes, value, depth + 1);
  } else if (isArrayAt(bytes, span)) {
    for (const element of elementsOf(bytes, span)) assertUnique(bytes, element, depth + 1);
  }
}

/**
 * An empty body counts as `{}`.
 * @throws GatewayError JSON_INVALID, REQUEST_INVALID, PARAMS_INVALID
 */
export function parseBody<T>(bytes: Buffer, schema: z.ZodType<T>): T {
  const text = bytes.length === 0 ? Buffer.from('{}') : bytes;
  assertUnique(text, checkJson(text));
  const { success, data, error } = schema.safeParse(JSON.parse(text.toString()));
  if (success) return data;
  const problems = error.issues.map(
    ({ path, message }) => `${['body', ...path.map(String)].join('.')}: ${message}`,
  );
  throw new GatewayError('PARAMS_INVALID', `${problems.join('; ')}.`, { data: { problems } });
}
