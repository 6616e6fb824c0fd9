import { configJsonSchema } from './json-schema.ts';
import { IGNORED_FILE_KEYS, IGNORED_SERVER_KEYS } from './schema.ts';

/** The parts of the JSON Schema that the table shows. */
interface Shape {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
}

const IGNORED: ReadonlySet<string> = new Set([...IGNORED_FILE_KEYS, ...IGNORED_SERVER_KEYS]);

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

function row(path: string, shape: Shape): string {
  const value = shape.default === undefined ? '' : `\`${JSON.stringify(shape.default)}\``;
  return `| \`${path}\` | ${cell(value)} | ${cell(shape.description ?? '')} |`;
}

function rows(prefix: string, shape: Shape | undefined): string[] {
  return Object.entries(shape?.properties ?? {})
    .filter(([key]) => !IGNORED.has(key))
    .map(([key, property]) => row(`${prefix}${key}`, property));
}

function table(title: string, lines: readonly string[]): string {
  return [`| ${title} | default | meaning |`, '|---|---|---|', ...lines].join('\n');
}

const listed = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(', ');

/** Markdown: every key of the configuration file with its default and its meaning. */
export function configReference(): string {
  const { properties = {} } = configJsonSchema() as Shape;
  const { mcpServers, naming, gateway, ...rest } = properties;
  const entry = mcpServers?.additionalProperties;
  return [
    table('key of the file', [
      ...(mcpServers === undefined ? [] : [row('mcpServers', mcpServers)]),
      ...rows('', { properties: rest }),
      ...rows('naming.', naming),
      ...rows('gateway.', gateway),
    ]),
    table('key of a server', rows('', typeof entry === 'object' ? entry : undefined)),
    `Keys of other hosts that are let through and have no effect: beside the servers ` +
      `${listed(IGNORED_FILE_KEYS)}; in a server ${listed(IGNORED_SERVER_KEYS)}.`,
  ].join('\n\n');
}
