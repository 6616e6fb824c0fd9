import { configJsonSchema } from './json-schema.ts';
import { IGNORED_FILE_KEYS, IGNORED_SERVER_KEYS } from './schema.ts';

/** The parts of the JSON Schema that the table shows. */
interface Shape {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
}

/** What stands under each name of a section, by the section. */
const NAMED: Readonly<Record<string, string>> = {
  keys: 'key of a key',
  teams: 'key of a team',
  customers: 'key of a customer',
  environments: 'key of an environment',
};

const NONE: ReadonlySet<string> = new Set();
/** Keys of other hosts are listed apart. */
const IGNORED: ReadonlySet<string> = new Set([...IGNORED_FILE_KEYS, ...IGNORED_SERVER_KEYS]);

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

function row(path: string, shape: Shape): string {
  const value = shape.default === undefined ? '' : `\`${JSON.stringify(shape.default)}\``;
  return `| \`${path}\` | ${cell(value)} | ${cell(shape.description ?? '')} |`;
}

function rows(prefix: string, shape: Shape | undefined, ignored = NONE): string[] {
  return Object.entries(shape?.properties ?? {})
    .filter(([key]) => !ignored.has(key))
    .map(([key, property]) => row(`${prefix}${key}`, property));
}

function table(title: string, lines: readonly string[]): string {
  return [`| ${title} | default | meaning |`, '|---|---|---|', ...lines].join('\n');
}

const inside = (shape: Shape | undefined): Shape | undefined =>
  typeof shape?.additionalProperties === 'object' ? shape.additionalProperties : undefined;

const listed = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(', ');

/** Markdown: every key of the configuration file with its default and its meaning. */
export function configReference(): string {
  const { properties = {} } = configJsonSchema() as Shape;
  const { mcpServers, naming, gateway, ...rest } = properties;
  const { approvals, rules } = rest;
  const entry = inside(mcpServers);
  const { tools } = entry?.properties ?? {};
  const override = inside(tools?.properties?.['override']);
  return [
    table('key of the file', [
      ...(mcpServers === undefined ? [] : [row('mcpServers', mcpServers)]),
      ...rows('', { properties: rest }, IGNORED),
      ...rows('approvals.', approvals),
      ...rows('approvals.webhook.', approvals?.properties?.['webhook']),
      ...rows('naming.', naming),
      ...rows('gateway.', gateway),
    ]),
    table('key of a server', [...rows('', entry, IGNORED), ...rows('tools.', tools)]),
    table('key of a tool’s `override`', [
      ...rows('', override),
      ...rows('arguments.<name>.', inside(override?.properties?.['arguments'])),
    ]),
    ...Object.entries(NAMED).map(([section, title]) =>
      table(title, rows('', inside(rest[section]))),
    ),
    table('key of a rule', rows('', rules?.items)),
    `Keys of other hosts that are let through and have no effect: beside the servers ` +
      `${listed(IGNORED_FILE_KEYS)}; in a server ${listed(IGNORED_SERVER_KEYS)}.`,
  ].join('\n\n');
}
