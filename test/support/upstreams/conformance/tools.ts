// The tools that the official conformance suite calls by name, but for those that ask the client something.
import { type RawCall, type Reply, pause, textResult } from '../raw/call.ts';
import type { RawServer, RawTool } from '../raw/server.ts';

/** A red pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

/** Time for a client to see what was sent so far apart from what follows. */
const STEP_MS = 50;

const result = (...content: object[]): Reply => JSON.stringify({ content });
const text = (value: string): object => ({ type: 'text', text: value });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const embedded = (uri: string, mimeType: string, body: string): object => ({
  type: 'resource',
  resource: { uri, mimeType, text: body },
});

async function logs(call: RawCall): Promise<Reply> {
  for (const step of [
    'Tool execution started',
    'Tool processing data',
    'Tool execution completed',
  ]) {
    call.log('info', JSON.stringify(step));
    await pause(STEP_MS, call.signal);
  }
  return textResult('Tool with logging executed successfully');
}

async function progresses(call: RawCall): Promise<Reply> {
  for (const done of [0, 50, 100]) {
    call.progress(done, 100, `Completed step ${done} of 100`);
    await pause(STEP_MS, call.signal);
  }
  return textResult(String(call.meta['progressToken']));
}

/** Closes its stream in the middle; the client must come back for the result (SEP-1699). */
async function reconnects(call: RawCall): Promise<Reply> {
  call.outlet.breakOff?.();
  await pause(2 * STEP_MS, call.signal);
  return textResult('The client came back for this result.');
}

function needsSampling(call: RawCall): Reply {
  if (call.capabilities['sampling'] !== undefined) return textResult('sampling is declared');
  const data = { requiredCapabilities: { sampling: {} } };
  return { error: { code: -32021, message: 'Missing required client capability', data } };
}

const SCHEMA_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- it is a keyword of JSON Schema.
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

const HEADER_SCHEMA = {
  type: 'object',
  properties: {
    region: { type: 'string', description: 'Mirrored into a header', 'x-mcp-header': 'Region' },
    query: { type: 'string' },
  },
};

export const conformanceTool = (
  name: string,
  description: string,
  call: RawTool['call'],
  inputSchema: object = { type: 'object', properties: {} },
): [string, RawTool] => [
  name,
  { definition: JSON.stringify({ name, description, inputSchema }), call },
];

const NOW_AND_THEN = conformanceTool('test_now_and_then', 'Comes and goes', () =>
  textResult('here'),
);
const PROMPT_NOW_AND_THEN = { name: 'test_now_and_then', description: 'Comes and goes' };

/** A gateway tells of changes that there are: a notification alone changes nothing. */
function toggle<T>(items: Map<string, T>, name: string, item: T): void {
  if (!items.delete(name)) items.set(name, item);
}

export function plainTools(server: () => RawServer): [string, RawTool][] {
  const tool = conformanceTool;
  return [
    tool('test_simple_text', 'Text', () =>
      textResult('This is a simple text response for testing.'),
    ),
    tool('test_image_content', 'An image', () => result(image)),
    tool('test_audio_content', 'Audio', () =>
      result({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
    ),
    tool('test_embedded_resource', 'An embedded resource', () =>
      result(embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource.')),
    ),
    tool('test_multiple_content_types', 'Content of several types', () =>
      result(
        text('Multiple content types test:'),
        image,
        embedded(
          'test://mixed-content-resource',
          'application/json',
          '{"test":"data","value":123}',
        ),
      ),
    ),
    tool('test_tool_with_logging', 'Logs while it runs', logs),
    tool('test_logging_tool', 'Logs where that is wanted', (call) => {
      call.log('info', '"a diagnostic line"');
      return textResult('Logging evaluated');
    }),
    tool('test_tool_with_progress', 'Reports progress', progresses),
    tool(
      'test_error_handling',
      'Fails',
      () => '{"isError":true,"content":[{"type":"text","text":"This tool fails on purpose."}]}',
    ),
    tool('test_reconnection', 'Closes its stream in the middle', reconnects),
    tool('test_missing_capability', 'Needs a client that samples', needsSampling),
    tool('test_trigger_tool_change', 'Changes the list of tools', () => {
      toggle(server().tools, ...NOW_AND_THEN);
      server().changed('tools');
      return textResult('changed');
    }),
    tool('test_trigger_prompt_change', 'Changes the list of prompts', () => {
      toggle(server().prompts, PROMPT_NOW_AND_THEN.name, {
        definition: JSON.stringify(PROMPT_NOW_AND_THEN),
        get: () => '{"messages":[]}',
      });
      server().changed('prompts');
      return textResult('changed');
    }),
    tool(
      'json_schema_2020_12_tool',
      'Has a schema with the 2020-12 keywords',
      (call) => textResult(`Called with ${call.rawArguments ?? 'nothing'}`),
      SCHEMA_2020_12,
    ),
    tool(
      'test_x_mcp_header',
      'Has an argument that is mirrored into a header',
      (call) => textResult(`Called with ${call.rawArguments ?? 'nothing'}`),
      HEADER_SCHEMA,
    ),
  ];
}
