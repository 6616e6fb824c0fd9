// Questions to the client in either era: sent live to a legacy client, handed back as input_required to a modern one.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { textAt } from '../../json-text.ts';
import { type JsonObject, type RawCall, type Reply, isObject } from '../raw/call.ts';

export interface Question {
  readonly method: string;
  readonly params: object;
}

export type Questions = Readonly<Record<string, Question>>;

/** Answers by the questions' keys, or what to reply until they are there. */
export type Asked = { readonly answers: JsonObject } | { readonly reply: Reply };

const CAPABILITY: Record<string, string> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/** The questions that this client says it can answer. */
export const answerable = (call: RawCall, questions: Questions): Questions =>
  Object.fromEntries(
    Object.entries(questions).filter(
      ([, { method }]) => call.capabilities[CAPABILITY[method] ?? ''] !== undefined,
    ),
  );

export const inputRequired = (questions: Questions, requestState?: string): Reply =>
  JSON.stringify({ resultType: 'input_required', inputRequests: questions, requestState });

async function askLive(call: RawCall, questions: Questions): Promise<Asked> {
  const answers: JsonObject = {};
  for (const [key, { method, params }] of Object.entries(questions)) {
    const message = await call.ask(method, JSON.stringify(params));
    const result = textAt(message, 'result');
    if (result === undefined) {
      const error = textAt(message, 'error') ?? 'null';
      return { reply: { error: { code: -32603, message: `The client answered ${error}` } } };
    }
    answers[key] = JSON.parse(result);
  }
  return { answers };
}

/** Asks what is not answered yet; a modern client gets all questions at once, and with them the state. */
export async function ask(call: RawCall, questions: Questions, state?: string): Promise<Asked> {
  if (call.era === 'legacy') return askLive(call, questions);
  const given = call.parsed['inputResponses'];
  const answers = isObject(given) ? given : {};
  const complete = Object.keys(questions).every((key) => isObject(answers[key]));
  return complete ? { answers } : { reply: inputRequired(questions, state) };
}

const secret = randomBytes(32);
const mac = (data: string): string => createHmac('sha256', secret).update(data).digest('base64url');

/** A request state that the client cannot change unseen. */
export function sealState(state: object): string {
  const data = Buffer.from(JSON.stringify(state)).toString('base64url');
  return `${data}.${mac(data)}`;
}

export function openState(sealed: unknown): JsonObject | undefined {
  const [data = '', given = '', ...rest] = String(sealed).split('.');
  const expected = Buffer.from(mac(data));
  const actual = Buffer.from(given);
  if (rest.length > 0 || actual.length !== expected.length) return undefined;
  if (!timingSafeEqual(actual, expected)) return undefined;
  const state: unknown = JSON.parse(Buffer.from(data, 'base64url').toString());
  return isObject(state) ? state : undefined;
}

export const form = (message: string, properties: object, required: string[] = []): Question => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties, required } },
});

export const sample = (text: string, maxTokens = 100): Question => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens },
});

export const ROOTS: Question = { method: 'roots/list', params: {} };
