// Files as other hosts write them work as they are.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { load, openFolder, problemsOf } from './folder.ts';
import { loadConfig } from '../../../src/config/load.ts';

describe('files of other hosts', () => {
  it('takes a Claude Desktop file', async () => {
    const { stdio, warnings, file } = await load(`{
  "globalShortcut": "Alt+Space",
  "preferences": { "menuBarEnabled": false },
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/Users/me/Desktop"]
    },
    "github": { "command": "docker", "args": ["run", "-i"], "env": { "TOKEN": "abc" } }
  }
}`);
    assert.deepEqual(stdio('filesystem').args.slice(0, 1), ['-y']);
    assert.equal(stdio('github').env['TOKEN'], 'abc');
    assert.deepEqual(warnings, [
      `${file}: these keys of other hosts have no effect here: globalShortcut, preferences.`,
    ]);
  });

  it('takes a Cursor file', async () => {
    const { stdio, http, folder } = await load(
      {
        mcpServers: {
          local: {
            type: 'stdio',
            command: 'node',
            args: ['${workspaceFolder}/server.js', '${userHome}'],
            env: { API_KEY: '${env:API_KEY}' },
            envFile: '${workspaceFolder}/.env',
            disabled: true,
          },
          remote: {
            url: 'https://mcp.example.com/mcp',
            headers: { Authorization: 'Bearer ${env:API_KEY}' },
            auth: { CLIENT_ID: 'x' },
          },
        },
      },
      { API_KEY: 'k-1' },
    );
    assert.deepEqual(stdio('local').args, [`${folder}/server.js`, '/home/somebody']);
    assert.equal(stdio('local').env['API_KEY'], 'k-1');
    assert.equal(stdio('local').enabled, false);
    assert.equal(http('remote').transport, 'auto-http');
    assert.deepEqual({ ...http('remote').headers }, { Authorization: 'Bearer k-1' });
  });

  it('takes a VS Code file', async () => {
    await using folder = await openFolder();
    await folder.write('.vscode/.env', '# secrets\nexport FROM_FILE="a b"\nBOTH=file\n');
    const file = await folder.write(
      '.vscode/mcp.json',
      `{
        "inputs": [{ "type": "promptString", "id": "key", "description": "Key", "password": true }],
        "servers": {
          "play": {
            "type": "stdio", "command": "npx", "args": ["-y", "@playwright/mcp"],
            "envFile": ".env", "env": { "PORT": 3000, "BOTH": "entry" }, "dev": { "watch": "**/*.ts" },
          },
          "github": { "type": "http", "url": "https://api.example.com/mcp/" },
        },
      }`,
    );
    const { config, warnings } = await loadConfig(file, { variables: { SECRET: 'no' } });
    const [play, github] = config.servers;
    assert.ok(play?.transport === 'stdio' && github?.transport === 'http');
    assert.deepEqual({ ...play.env }, { FROM_FILE: 'a b', BOTH: 'entry', PORT: '3000' });
    assert.deepEqual(warnings, [
      `${file}: these keys of other hosts have no effect here: inputs, servers.play.dev.`,
    ]);
  });

  it('takes a Windsurf file', async () => {
    const { http } = await load({
      mcpServers: { notes: { serverUrl: 'https://n.example/sse', disabledTools: ['x'] } },
    });
    assert.equal(http('notes').url, 'https://n.example/sse');
    assert.equal(http('notes').transport, 'auto-http');
  });

  it('takes Cline and Roo Code files', async () => {
    const { server } = await load({
      mcpServers: {
        cline: { command: 'x', autoApprove: ['a', 'b'], disabled: false, timeout: 120 },
        old: { command: 'x', transportType: 'stdio' },
        stream: { url: 'https://s.example', type: 'streamableHttp' },
        roo: {
          url: 'https://r.example',
          type: 'streamable-http',
          autoExecute: ['c'],
          alwaysAllow: ['a', 'c'],
          watchPaths: [],
        },
      },
    });
    assert.deepEqual(server('cline').autoExecute, ['a', 'b']);
    assert.equal(server('cline').timeoutMs, 120_000);
    assert.equal(server('old').transport, 'stdio');
    assert.equal(server('stream').transport, 'http');
    assert.deepEqual(server('roo').autoExecute, ['c', 'a']);
  });

  it('takes Gemini CLI and Claude Code entries, whose timeout is in milliseconds', async () => {
    const { server } = await load({
      mcpServers: {
        gemini: { httpUrl: 'https://g.example/mcp', timeout: 600_000, trust: false },
        claude: { type: 'sse', url: 'https://c.example/sse', timeout: 7_200_000 },
        own: { url: 'https://o.example', timeout: 7_200_000, timeoutSeconds: 10 },
      },
    });
    assert.equal(server('gemini').transport, 'http');
    assert.equal(server('gemini').timeoutMs, 600_000);
    assert.equal(server('claude').transport, 'sse');
    assert.equal(server('claude').timeoutMs, 7_200_000);
    assert.equal(server('claude').maxTimeoutMs, 7_200_000);
    assert.equal(server('own').timeoutMs, 10_000);
  });

  it('says what to set in place of an input', async () => {
    const [line] = await problemsOf({
      servers: { a: { command: 'x', env: { K: '${input:api-key}' } } },
    });
    assert.match(
      line ?? '',
      /set an environment variable, for example API_KEY, and write \$\{API_KEY\}$/,
    );
  });

  it('resolves paths from the folder of the file', async () => {
    const { stdio, folder, config } = await load({
      mcpServers: {
        bare: { command: 'node' },
        path: { command: './bin/server', cwd: 'sub' },
        home: { command: '~/bin/server', cwd: '~/work' },
        absolute: { command: '/bin/x', cwd: '/srv' },
      },
      gateway: { data: 'data', publicUrl: 'https://gate.example/' },
    });
    assert.equal(stdio('bare').command, 'node');
    assert.equal(stdio('bare').cwd, folder);
    assert.equal(stdio('path').command, join(folder, 'bin/server'));
    assert.equal(stdio('path').cwd, join(folder, 'sub'));
    assert.equal(stdio('home').command, '/home/somebody/bin/server');
    assert.equal(stdio('home').cwd, '/home/somebody/work');
    assert.equal(stdio('absolute').command, '/bin/x');
    assert.equal(stdio('absolute').cwd, '/srv');
    assert.equal(config.gateway.dataDirectory, join(folder, 'data'));
    assert.equal(config.gateway.publicUrl, 'https://gate.example');
  });

  it('fills in the defaults', async () => {
    const { config, server } = await load({ mcpServers: { a: { command: 'x' } } });
    const {
      fingerprint,
      env: _,
      cwd: __,
      toolTimeoutsMs,
      ...rest
    } = server('a') as never as Record<string, unknown>;
    assert.match(String(fingerprint), /^[0-9a-f]{64}$/);
    assert.deepEqual({ ...(toolTimeoutsMs as object) }, {});
    assert.deepEqual(rest, {
      name: 'a',
      transport: 'stdio',
      command: 'x',
      args: [],
      enabled: true,
      autoExecute: [],
      modes: [],
      tools: { allow: ['*'], deny: [], overrides: new Map() },
      trusted: false,
      pinning: undefined,
      prefix: undefined,
      timeoutMs: 300_000,
      maxTimeoutMs: 3_600_000,
      refreshMs: 60_000,
      maxMessageBytes: 64 * 1024 * 1024,
      maxConcurrent: 256,
      era: 'auto',
    });
    assert.deepEqual(config.naming, { mode: 'prefix', maxLength: 49 });
    assert.deepEqual(config.gateway, {
      host: '127.0.0.1',
      port: 8931,
      publicUrl: undefined,
      dataDirectory: config.gateway.dataDirectory,
      allowOrigins: [],
      maxRequestBytes: 4 * 1024 * 1024,
      sessionMs: 1_800_000,
      maxSessions: 10_000,
      startMs: 5000,
      drainMs: 30_000,
      logLevel: 'info',
    });
  });
});
