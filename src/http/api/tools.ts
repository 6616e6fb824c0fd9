// The tools of a key in the shape that an LLM's API takes, their schemas byte for byte as the servers wrote them.
import { GatewayError } from '../../core/errors.ts';
import { narrowFrom } from '../../policy/narrow.ts';
import { elementsOf, membersOf, sliceOf, valueOf } from '../../wire/json.ts';
import type { KeyRoute } from '../route.ts';
import type { ApiDependencies } from './route-table.ts';

/** Raw JSON of one definition's parts. */
interface Parts {
  readonly raw: Buffer;
  readonly name: Buffer;
  /** With the key before it and a comma behind, or nothing. */
  readonly description: Buffer;
  readonly schema: Buffer;
}

const NO_ARGUMENTS = Buffer.from('{"type":"object","properties":{}}');

const join = (...pieces: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));

const chat = ({ name, description, schema }: Parts): Buffer =>
  join(
    '{"type":"function","function":{"name":',
    name,
    ',',
    description,
    '"parameters":',
    schema,
    '}}',
  );

const SHAPES = {
  mcp: ({ raw }: Parts) => raw,
  chat,
  openai: chat,
  responses: ({ name, description, schema }: Parts) =>
    join('{"type":"function","name":', name, ',', description, '"parameters":', schema, '}'),
  anthropic: ({ name, description, schema }: Parts) =>
    join('{"name":', name, ',', description, '"input_schema":', schema, '}'),
} as const;

type ToolFormat = keyof typeof SHAPES;

const isFormat = (text: string): text is ToolFormat => Object.hasOwn(SHAPES, text);

/** @throws GatewayError PARAMS_INVALID */
function readFormat(query: URLSearchParams): ToolFormat {
  const [format = 'mcp', ...more] = query.getAll('format');
  const other = [...query.keys()].find((key) => key !== 'format');
  if (other === undefined && more.length === 0 && isFormat(format)) return format;
  const what = other === undefined ? `format=${JSON.stringify(format)}` : JSON.stringify(other);
  throw new GatewayError(
    'PARAMS_INVALID',
    `The query takes one format of ${Object.keys(SHAPES).join(', ')}; got ${what}.`,
  );
}

/** `{"tools":[…]}` of a list result. */
export function toolsInFormat(list: Buffer, format: ToolFormat): Buffer {
  const tools = valueOf(membersOf(list, { start: 0, end: list.length }), 'tools');
  const shaped = (tools ? elementsOf(list, tools) : []).map((span) => {
    const members = membersOf(list, span);
    const part = (key: string) => {
      const value = valueOf(members, key);
      return value && sliceOf(list, value);
    };
    const description = part('description');
    return SHAPES[format]({
      raw: sliceOf(list, span),
      name: part('name') ?? Buffer.from('""'),
      description: description ? join('"description":', description, ',') : Buffer.alloc(0),
      schema: part('inputSchema') ?? NO_ARGUMENTS,
    });
  });
  return join('{"tools":[', ...shaped.flatMap((one, i) => (i === 0 ? [one] : [',', one])), ']}');
}

export const toolRoutes = ({ gateway }: Pick<ApiDependencies, 'gateway'>): readonly KeyRoute[] => [
  {
    method: 'GET',
    path: '/v1/mcp/tools',
    access: 'caller',
    handle({ principal, query, headers }) {
      const format = readFormat(query);
      const narrow = narrowFrom(headers);
      const list = gateway.list('tools', { principal, era: 'modern', scope: undefined, narrow });
      return { status: 200, body: toolsInFormat(list, format) };
    },
  },
];
