import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isGatewayError } from '../../../src/core/errors.ts';
import { snippet } from '../../../src/cli/snippet.ts';
import type { SnippetFacts } from '../../../src/cli/snippet.ts';

const FACTS: SnippetFacts = {
  node: '/opt/node 24/bin/node',
  program: '/home/ann/tool "gate"/bin/toolgate.js',
  config: '/home/ann/my servers.json',
  url: 'http://127.0.0.1:8931/mcp',
  key: 'tg_local0000_secret',
  platform: 'darwin',
};

const AWKWARD_KEY = `it's "a" \\ $HOME \`key\``;

/** What stands after the sentence that says where it goes. */
const pasted = (text: string): string => text.slice(text.indexOf('\n\n') + 2);

test('claude-desktop is the stdio bridge with absolute paths, and holds no key', () => {
  const text = snippet('claude-desktop', FACTS);
  assert.match(text, /^Claude Desktop: paste this into ~\/Library\/Application Support\/Claude\//);
  assert.equal(
    pasted(text),
    `{
  "mcpServers": {
    "toolgate": {
      "command": "/opt/node 24/bin/node",
      "args": [
        "/home/ann/tool \\"gate\\"/bin/toolgate.js",
        "stdio",
        "--config",
        "/home/ann/my servers.json"
      ]
    }
  }
}
`,
  );
  assert.ok(!text.includes(FACTS.key));
});

test('claude-desktop on Windows escapes backslashes and names the place there', () => {
  const text = snippet('claude-desktop', {
    ...FACTS,
    node: 'C:\\Program Files\\nodejs\\node.exe',
    program: 'C:\\Users\\Ann\\toolgate\\bin\\toolgate.js',
    config: '\\\\share\\ann\\servers.json',
    platform: 'win32',
  });
  assert.ok(text.includes('%APPDATA%\\Claude\\claude_desktop_config.json'));
  const { toolgate } = JSON.parse(pasted(text)).mcpServers;
  assert.equal(toolgate.command, 'C:\\Program Files\\nodejs\\node.exe');
  assert.deepEqual(toolgate.args, [
    'C:\\Users\\Ann\\toolgate\\bin\\toolgate.js',
    'stdio',
    '--config',
    '\\\\share\\ann\\servers.json',
  ]);
});

test('claude-desktop refuses a path that is not absolute', () => {
  assert.throws(
    () => snippet('claude-desktop', { ...FACTS, config: 'servers.json' }),
    isGatewayError,
  );
});

test('claude-code is a command whose header comes last', () => {
  assert.equal(
    pasted(snippet('claude-code', FACTS)),
    'claude mcp add --scope user --transport http toolgate http://127.0.0.1:8931/mcp ' +
      "--header 'Authorization: Bearer tg_local0000_secret'\n",
  );
});

test(
  'claude-code survives a shell, whatever is in the key',
  { skip: process.platform === 'win32' },
  () => {
    const command = pasted(snippet('claude-code', { ...FACTS, key: AWKWARD_KEY }));
    const script = `claude() { for word in "$@"; do printf '%s\\0' "$word"; done; }; ${command}`;
    const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
    assert.deepEqual(words.slice(-2), ['--header', `Authorization: Bearer ${AWKWARD_KEY}`]);
    assert.equal(words.at(-3), FACTS.url);
  },
);

test('claude-code on Windows uses quotes that cmd and PowerShell share', () => {
  const text = pasted(snippet('claude-code', { ...FACTS, platform: 'win32' }));
  assert.ok(text.endsWith('--header "Authorization: Bearer tg_local0000_secret"\n'));
});

test('cursor takes url and headers', () => {
  const text = snippet('cursor', { ...FACTS, key: AWKWARD_KEY });
  assert.match(text, /^Cursor: paste this into ~\/\.cursor\/mcp\.json\n/);
  assert.deepEqual(JSON.parse(pasted(text)), {
    mcpServers: {
      toolgate: { url: FACTS.url, headers: { Authorization: `Bearer ${AWKWARD_KEY}` } },
    },
  });
});

test('vscode has "servers" with a type', () => {
  assert.equal(
    pasted(snippet('vscode', FACTS)),
    `{
  "servers": {
    "toolgate": {
      "type": "http",
      "url": "http://127.0.0.1:8931/mcp",
      "headers": {
        "Authorization": "Bearer tg_local0000_secret"
      }
    }
  }
}
`,
  );
});

test('codex is TOML with literal headers', () => {
  const text = snippet('codex', { ...FACTS, platform: 'win32' });
  assert.match(text, /^Codex: paste this at the end of %USERPROFILE%\\\.codex\\config\.toml\n/);
  assert.equal(
    pasted(text),
    `[mcp_servers.toolgate]
url = "http://127.0.0.1:8931/mcp"
http_headers = { Authorization = "Bearer tg_local0000_secret" }
`,
  );
  assert.ok(
    snippet('codex', { ...FACTS, key: 'a"b\\c\u007f' }).includes('"Bearer a\\"b\\\\c\\u007f"'),
  );
});
