// What the gateway asks a legacy client, on the stream of the call that it is about; the answer comes as a POST
// of the session (2025-11-25, basic/transports, "Sending Messages to the Server").
import { randomBytes } from 'node:crypto';
import type { Client, Message } from '../core/call.ts';
import { GatewayError } from '../core/errors.ts';
import { isObjectAt, isStringAt, membersOf, stringAt, valueOf } from '../wire/json.ts';
import { notificationMessage } from '../wire/message.ts';
import type { Reply } from './context.ts';

/** Which capability a client must have declared to be asked this. */
const CAPABILITY: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

interface Question {
  readonly resolve: (answer: Message) => void;
  readonly reject: (reason: unknown) => void;
}

const cannot = (why: string): GatewayError =>
  new GatewayError('CALL_CANCELLED', `The client cannot be asked: ${why}.`);

const declares = ({ capabilities }: Client, name: string): boolean => {
  const span = valueOf(membersOf(capabilities, { start: 0, end: capabilities.length }), name);
  return span !== undefined && isObjectAt(capabilities, span);
};

/** Whether there is anything that the client may be asked. */
export const canBeAsked = (client: Client): boolean =>
  client.era === 'legacy' && Object.values(CAPABILITY).some((name) => declares(client, name));

/** The open questions of one session. */
export class Questions {
  readonly #prefix = `toolgate-${randomBytes(9).toString('base64url')}`;
  readonly #open = new Map<string, Question>();
  #count = 0;
  #ended = false;

  /**
   * Asks on the stream of a call. When the signal comes, the client is told to forget the question.
   * @throws GatewayError CALL_CANCELLED, or the signal's reason
   */
  async ask(
    client: Client,
    reply: Reply,
    method: string,
    params: object,
    signal: AbortSignal,
  ): Promise<Message> {
    const capability = CAPABILITY[method];
    if (capability === undefined || !declares(client, capability))
      throw cannot(`it does not declare ${capability}`);
    if (this.#ended) throw cannot('its session has ended');
    signal.throwIfAborted();
    const id = `${this.#prefix}-${++this.#count}`;
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const onAbort = () => {
      reject(signal.reason);
      reply.tell(notificationMessage('notifications/cancelled', { requestId: id }));
    };
    this.#open.set(id, { resolve, reject });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const question = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      const isSent = reply.tell(question, () => reject(cannot('its stream has closed')));
      if (!isSent) throw cannot('its stream has closed');
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#open.delete(id);
    }
  }

  /** Takes the client's answer; one to nothing that was asked is nobody's. */
  answer(message: Message): void {
    const { bytes, id } = message;
    if (!id || !isStringAt(bytes, id)) return;
    this.#open.get(stringAt(bytes, id))?.resolve(message);
  }

  end(): void {
    this.#ended = true;
    for (const { reject } of this.#open.values()) reject(cannot('its session has ended'));
  }
}
