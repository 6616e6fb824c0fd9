// What to paste into a host so that it uses this gateway, and where.
// Formats as documented by the hosts: Claude Desktop and Claude Code (modelcontextprotocol.io/docs,
// code.claude.com/docs/en/mcp), Cursor (cursor.com/docs/mcp), VS Code
// (code.visualstudio.com/docs/agents/reference/mcp-configuration), Codex (developers.openai.com/codex/mcp).
import { posix, win32 } from 'node:path';
import { GatewayError } from '../core/errors.ts';

export const SNIPPET_HOSTS = [
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'codex',
] as const;
export type SnippetHost = (typeof SNIPPET_HOSTS)[number];

export interface SnippetFacts {
  /** Absolute path of Node 24. */
  readonly node: string;
  /** Absolute path of `bin/toolgate.js` or `src/main.ts`. */
  readonly program: string;
  /** Absolute path of the configuration file. */
  readonly config: string;
  /** The MCP endpoint. */
  readonly url: string;
  readonly key: string;
  /** Where the host would not find it by itself. */
  readonly dataDirectory?: string;
  readonly platform: NodeJS.Platform;
}

/** @throws GatewayError INTERNAL for a path that is not absolute: hosts start programs anywhere. */
export function snippet(host: SnippetHost, facts: SnippetFacts): string {
  return SNIPPETS[host](facts);
}

const SNIPPETS: Readonly<Record<SnippetHost, (facts: SnippetFacts) => string>> = {
  'claude-desktop': claudeDesktop,
  'claude-code': claudeCode,
  cursor,
  vscode,
  codex,
};

/**
 * Claude Desktop's file takes stdio servers only. The entry carries no key: the bridge reads the local one
 * from the data directory, so nothing secret stands in the file.
 */
function claudeDesktop({ node, program, config, platform, dataDirectory }: SnippetFacts): string {
  const paths = platform === 'win32' ? win32 : posix;
  for (const path of [node, program, config]) {
    if (!paths.isAbsolute(path)) {
      throw new GatewayError('INTERNAL', `The path ${path} of the snippet is not absolute.`);
    }
  }
  const file = {
    darwin: '~/Library/Application Support/Claude/claude_desktop_config.json',
    win32: '%APPDATA%\\Claude\\claude_desktop_config.json',
    other: '~/.config/Claude/claude_desktop_config.json',
  };
  return paste(
    [
      `Claude Desktop: paste this into ${file[platform === 'darwin' || platform === 'win32' ? platform : 'other']}`,
      '(Settings > Developer > Edit Config opens it), then quit Claude Desktop and start it again.',
      'Where the file has "mcpServers" already, add only the "toolgate" entry to it. Variables that the',
      'configuration of Toolgate reads go into an "env" object of this entry: Claude Desktop does not pass',
      'on those of your shell.',
    ],
    toJson({
      mcpServers: {
        toolgate: {
          command: node,
          args: [program, 'stdio', '--config', config],
          // Otherwise the bridge would become a second gateway, on another data directory.
          ...(dataDirectory === undefined ? {} : { env: { TOOLGATE_DATA: dataDirectory } }),
        },
      },
    }),
  );
}

/** The header comes last: the option takes all words after it. */
function claudeCode({ url, key, platform }: SnippetFacts): string {
  const quote = platform === 'win32' ? quoteForWindows : quoteForShell;
  const command =
    'claude mcp add --scope user --transport http toolgate ' +
    `${quote(url)} --header ${quote(bearer(key))}`;
  return paste(
    [
      'Claude Code: run this in a terminal. Where an older "toolgate" is in the way, run',
      '`claude mcp remove --scope user toolgate` first.',
    ],
    command,
  );
}

function cursor({ url, key, platform }: SnippetFacts): string {
  return paste(
    [
      `Cursor: paste this into ${inHome(platform, '.cursor', 'mcp.json')}`,
      'Where the file has "mcpServers" already, add only the "toolgate" entry to it.',
    ],
    toJson({ mcpServers: { toolgate: { url, headers: toHeaders(key) } } }),
  );
}

function vscode({ url, key }: SnippetFacts): string {
  return paste(
    [
      'VS Code: run "MCP: Open User Configuration" from the command palette and paste this there, or for',
      'one project into .vscode/mcp.json, which must then stay out of version control: it holds a key.',
      'Where the file has "servers" already, add only the "toolgate" entry to it.',
    ],
    toJson({ servers: { toolgate: { type: 'http', url, headers: toHeaders(key) } } }),
  );
}

function codex({ url, key, platform }: SnippetFacts): string {
  return paste(
    [`Codex: paste this at the end of ${inHome(platform, '.codex', 'config.toml')}`],
    [
      '[mcp_servers.toolgate]',
      `url = ${toToml(url)}`,
      `http_headers = { Authorization = ${toToml(toHeaders(key).Authorization)} }`,
    ].join('\n'),
  );
}

const paste = (where: readonly string[], text: string): string =>
  `${where.join('\n')}\n\n${text}\n`;

const toJson = (value: unknown): string => JSON.stringify(value, null, 2);

const toHeaders = (key: string) => ({ Authorization: `Bearer ${key}` });

const bearer = (key: string): string => `Authorization: Bearer ${key}`;

const inHome = (platform: NodeJS.Platform, folder: string, file: string): string =>
  platform === 'win32' ? `%USERPROFILE%\\${folder}\\${file}` : `~/${folder}/${file}`;

/** A TOML basic string: JSON's escapes, and DEL, which JSON leaves bare and TOML forbids. */
const toToml = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f');

const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Double quotes serve both shells of Windows; what means something inside them needs PowerShell's others. */
const quoteForWindows = (word: string): string => {
  if (/^[\w@+=:,./-]+$/.test(word)) return word;
  return /["$`%!]/.test(word) ? `'${word.replaceAll("'", "''")}'` : `"${word}"`;
};
