// The tools and the prompt of the conformance suite that need an answer from the client's side.
import { type JsonObject, type RawCall, type Reply, isObject, textResult } from '../raw/call.ts';
import type { RawPrompt, RawTool } from '../raw/server.ts';
import {
  type Questions,
  ROOTS,
  answerable,
  ask,
  form,
  inputRequired,
  openState,
  sample,
  sealState,
} from './ask.ts';
import { conformanceTool } from './tools.ts';

const string = { type: 'string' };

/** A tool that asks, and tells what it was answered. */
const asks =
  (
    questions: (call: RawCall) => Questions,
    tell: (answers: JsonObject) => string,
    state?: () => string,
  ) =>
  async (call: RawCall): Promise<Reply> => {
    const asked = await ask(call, questions(call), state?.());
    return 'reply' in asked ? asked.reply : textResult(tell(asked.answers));
  };

const field = (answer: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), answer);

const told = (label: string, key: string) => (answers: JsonObject) =>
  `${label}: action=${String(field(answers, key, 'action'))}, content=${JSON.stringify(field(answers, key, 'content') ?? {})}`;

const DEFAULTS = {
  name: { type: 'string', description: 'User name', default: 'John Doe' },
  age: { type: 'integer', description: 'User age', default: 30 },
  score: { type: 'number', description: 'User score', default: 95.5 },
  status: {
    type: 'string',
    description: 'User status',
    enum: ['active', 'inactive', 'pending'],
    default: 'active',
  },
  verified: { type: 'boolean', description: 'Verification status', default: true },
};

const titled = (what: string): object[] =>
  ['First', 'Second', 'Third'].map((nth, index) => ({
    const: `value${index + 1}`,
    title: `${nth} ${what}`,
  }));

const OPTIONS = ['option1', 'option2', 'option3'];

const ENUMS = {
  untitledSingle: { type: 'string', description: 'Select one', enum: OPTIONS },
  titledSingle: { type: 'string', description: 'Select one, titled', oneOf: titled('Option') },
  legacyEnum: {
    type: 'string',
    description: 'Select one, in the old way',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: {
    type: 'array',
    description: 'Select several',
    minItems: 1,
    maxItems: 3,
    items: { type: 'string', enum: OPTIONS },
  },
  titledMulti: {
    type: 'array',
    description: 'Select several, titled',
    minItems: 1,
    maxItems: 3,
    items: { anyOf: titled('Choice') },
  },
};

const NAME = form('What is your name?', { name: string }, ['name']);
const CONFIRM = form('Please confirm', { ok: { type: 'boolean' } }, ['ok']);

function twoRounds(call: RawCall): Promise<Reply> | Reply {
  const step1 = form('Step 1: What is your name?', { name: string }, ['name']);
  const step2 = form('Step 2: What is your favorite color?', { color: string }, ['color']);
  if (call.era === 'legacy') {
    return asks(
      () => ({ step1, step2 }),
      (answers) => JSON.stringify(answers),
    )(call);
  }
  const { requestState, inputResponses } = call.parsed;
  const state = requestState === undefined ? {} : openState(requestState);
  if (state === undefined) return badState();
  const answers = isObject(inputResponses) ? inputResponses : {};
  if (state['round'] === 2 && isObject(answers['step2'])) {
    return textResult(`${String(state['name'])}: ${JSON.stringify(answers['step2'])}`);
  }
  if (state['round'] === 1 && isObject(answers['step1'])) {
    const name = field(answers, 'step1', 'content', 'name');
    return inputRequired({ step2 }, sealState({ round: 2, name }));
  }
  return inputRequired({ step1 }, sealState({ round: 1 }));
}

const badState = (): Reply => ({
  error: { code: -32602, message: 'The request state was changed.' },
});

/** Takes only the state that it gave out. */
function sealed(call: RawCall): Promise<Reply> | Reply {
  const { requestState } = call.parsed;
  if (requestState !== undefined && openState(requestState) === undefined) return badState();
  const run = asks(
    () => ({ confirm: CONFIRM }),
    () => 'state-ok',
    () => sealState({ kind: 'sealed' }),
  );
  return run(call);
}

async function whatIsDeclared(call: RawCall): Promise<Reply> {
  const questions = answerable(call, {
    elicit_input: form('Elicitation input', { value: string }, ['value']),
    sample_input: sample('Sample request', 50),
  });
  if (Object.keys(questions).length === 0) return textResult('No supported capabilities declared');
  const run = asks(
    () => questions,
    (answers) => `received ${Object.keys(answers).join(',')}`,
    () => sealState({ kind: 'capabilities' }),
  );
  return run(call);
}

const argument = (call: RawCall, key: string): string => {
  const value = call.args[key];
  return typeof value === 'string' ? value : '';
};

const oneString = (key: string): object => ({ type: 'object', properties: { [key]: string } });

function legacyTools(): [string, RawTool][] {
  const tool = conformanceTool;
  return [
    tool(
      'test_sampling',
      'Asks the client to sample',
      asks(
        (call) => ({ sample: sample(argument(call, 'prompt')) }),
        (answers) => `LLM response: ${String(field(answers, 'sample', 'content', 'text'))}`,
      ),
      oneString('prompt'),
    ),
    tool(
      'test_elicitation',
      'Asks the person at the client',
      asks(
        (call) => ({ user: form(argument(call, 'message'), { response: string }, ['response']) }),
        told('User response', 'user'),
      ),
      oneString('message'),
    ),
    tool(
      'test_elicitation_sep1034_defaults',
      'Asks with defaults for each type',
      asks(
        () => ({ user: form('Please review the form', DEFAULTS) }),
        told('Elicitation completed', 'user'),
      ),
    ),
    tool(
      'test_elicitation_sep1330_enums',
      'Asks with each kind of enum',
      asks(
        () => ({ user: form('Please select options', ENUMS) }),
        told('Elicitation completed', 'user'),
      ),
    ),
  ];
}

export function askingTools(): [string, RawTool][] {
  const tool = (name: string, call: RawTool['call']): [string, RawTool] =>
    conformanceTool(`test_input_required_result_${name}`, 'Needs input from the client', call);
  const many = {
    user_name: NAME,
    greeting: sample('Generate a greeting', 50),
    client_roots: ROOTS,
  };
  const tell = (answers: JsonObject): string => JSON.stringify(answers);
  const state = (): string => sealState({ kind: 'state' });
  return [
    ...legacyTools(),
    conformanceTool('test_streaming_elicitation', 'Streams, then answers', (call) => {
      call.progress(50, 100);
      return textResult('Streaming complete');
    }),
    tool(
      'elicitation',
      asks(() => ({ user_name: NAME }), tell),
    ),
    tool(
      'sampling',
      asks(() => ({ capital_question: sample('What is the capital of France?') }), tell),
    ),
    tool(
      'list_roots',
      asks(() => ({ client_roots: ROOTS }), tell),
    ),
    tool('request_state', sealed),
    tool(
      'multiple_inputs',
      asks(() => many, tell, state),
    ),
    tool('multi_round', twoRounds),
    tool('tampered_state', sealed),
    tool('capabilities', whatIsDeclared),
  ];
}

export const ASKING_PROMPT: RawPrompt = {
  definition: '{"name":"test_input_required_result_prompt","description":"Needs input"}',
  get: async (call) => {
    const question = form('What context should the prompt use?', { context: string }, ['context']);
    const asked = await ask(call, { user_context: question });
    if ('reply' in asked) return asked.reply;
    const context = String(field(asked.answers, 'user_context', 'content', 'context'));
    const content = { type: 'text', text: `Prompt with context: ${context}` };
    return JSON.stringify({ messages: [{ role: 'user', content }] });
  },
};
