import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { compileExpression } from '../../../src/config/expression.ts';
import { load, problemsOf } from './folder.ts';

const SECRET = 'a-secret-of-24-characters';
const servers = { files: { command: 'x' }, github: { command: 'x' } };

describe('the policy of a file', () => {
  it('is read whole', async () => {
    const { config, warnings } = await load(
      {
        mcpServers: {
          files: {
            command: 'x',
            trusted: true,
            pinning: 'hold',
            modes: { 'delete_*': 'review' },
            tools: {
              allow: ['read_*'],
              deny: ['read_secret'],
              override: {
                read_file: {
                  name: 'read',
                  description: 'Reads.',
                  annotations: { readOnlyHint: true },
                  arguments: { owner: { const: { a: ['acme'] } }, debug: { hidden: true } },
                },
                gone: { hidden: true },
              },
            },
          },
          copilot: { command: 'x', tools: ['a', 'b'] },
        },
        groups: { readers: ['files/read_*'] },
        customers: { acme: { tools: ['@readers'] } },
        teams: { core: { customer: 'acme', prompts: [] } },
        environments: { prod: { readOnly: ['files'] } },
        keys: {
          cursor: {
            secret: '${CURSOR_KEY}',
            team: 'core',
            environment: 'prod',
            tools: ['@readers'],
            modes: { 'files/*': 'review' },
            expires: '2027-01-31',
            execute: true,
            role: 'approver',
            notes: 'for me',
          },
        },
        rules: [{ tools: ['files/*'], when: "args.path.startsWith('/tmp')", mode: 'auto' }],
        modes: { '*': 'ask' },
        approvals: { waitSeconds: 1, webhook: { url: 'https://x.example', secret: SECRET } },
        pinning: 'off',
      },
      { CURSOR_KEY: SECRET },
    );
    assert.deepEqual(warnings, []);
    const [key] = config.keys;
    assert.equal(key?.secret, SECRET);
    assert.deepEqual([key?.team, key?.customer], ['core', 'acme']);
    assert.equal(key?.expiresAt, Date.UTC(2027, 0, 31));
    assert.deepEqual(key?.modes, [{ tools: 'files/*', mode: 'review' }]);
    assert.deepEqual(config.teams.get('core')?.prompts, []);
    const [files, copilot] = config.servers;
    const fixed = files?.tools.overrides.get('read_file')?.arguments;
    assert.equal(fixed?.get('owner')?.const, '{"a":["acme"]}');
    assert.equal(fixed?.get('debug')?.const, undefined);
    assert.equal(files?.tools.overrides.get('gone')?.hidden, true);
    assert.deepEqual([files?.trusted, files?.pinning, config.pinning], [true, 'hold', 'off']);
    assert.deepEqual(files?.modes, [{ tools: 'delete_*', mode: 'review' }]);
    assert.equal(config.approvals.webhook?.url, 'https://x.example');
    assert.deepEqual(copilot?.tools.allow, ['a', 'b']);
  });

  it('has defaults that ask for everything and let no key do anything', async () => {
    const { config } = await load({ mcpServers: servers, keys: { k: { secret: SECRET } } });
    assert.deepEqual(config.approvals, { waitMs: 20_000, expiryMs: 3_600_000, webhook: undefined });
    assert.equal(config.pinning, 'ask');
    assert.deepEqual(config.keys[0]?.allowance, {
      tools: [],
      deny: [],
      prompts: undefined,
      resources: undefined,
    });
    assert.deepEqual([config.keys[0]?.role, config.keys[0]?.execute], ['caller', false]);
  });

  const problems: [string, object, string][] = [
    [
      'an unknown group',
      { keys: { k: { secret: SECRET, tools: ['@readrs'] } } },
      'keys.k.tools[0]: expected a group of "groups", got "@readrs"; did you mean "@readers"?',
    ],
    [
      'a group in a group',
      { groups: { readers: ['files/*'], b: ['@readers'] } },
      'groups.b[0]: expected "server/tool" or "*" (a group holds no groups), got "@readers"',
    ],
    [
      'a bare server',
      { teams: { t: { deny: ['files'] } } },
      'teams.t.deny[0]: expected "server/tool", "*" or "@group", got "files"; did you mean "files/*"?',
    ],
    [
      'an unknown team',
      { teams: { core: {} }, keys: { k: { secret: SECRET, team: 'cor' } } },
      'keys.k.team: expected a team of "teams", got "cor"; did you mean "core"?',
    ],
    [
      'an unknown customer',
      { customers: { acme: {} }, teams: { t: { customer: 'acne' } } },
      'teams.t.customer: expected a customer of "customers", got "acne"; did you mean "acme"?',
    ],
    [
      'a key of another customer',
      {
        customers: { a: {}, b: {} },
        teams: { t: { customer: 'a' } },
        keys: { k: { secret: SECRET, team: 't', customer: 'b' } },
      },
      'keys.k.customer: expected "a", the customer of team "t", got "b"',
    ],
    [
      'an unknown read-only server',
      { environments: { e: { readOnly: ['file'] } } },
      'environments.e.readOnly[0]: expected the name of a server, got "file"; did you mean "files"?',
    ],
    [
      'a short secret',
      { keys: { k: { secret: 'short' } } },
      'keys.k.secret: expected a string of at least 24 characters, got a string',
    ],
    [
      'a secret that two have',
      { keys: { a: { secret: SECRET }, b: { secret: SECRET } } },
      'keys.b.secret: expected a secret of its own, got that of "a"',
    ],
    [
      'a wrong date',
      { keys: { k: { secret: SECRET, expires: 'tomorrow' } } },
      'keys.k.expires: expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z, got a string',
    ],
    [
      'an unknown key of a key',
      { keys: { k: { secret: SECRET, tool: [] } } },
      'keys.k.tool: expected a known key, got "tool"; did you mean "tools"?',
    ],
    [
      'a wrong mode',
      { modes: { 'files/*': 'never' } },
      'modes["files/*"]: expected one of "auto", "ask", "review", got "never"',
    ],
    [
      'a wrong expression',
      { rules: [{ when: 'args.sql.startsWith(', mode: 'auto' }] },
      'rules[0].when: expected a CEL expression that is true or false, got Unexpected token: EOF at character 21',
    ],
    [
      'an unknown variable',
      { rules: [{ when: 'arg.x == 1', mode: 'auto' }] },
      'rules[0].when: expected a CEL expression that is true or false, got Unknown variable: arg at character 1',
    ],
    [
      'no expression of true and false',
      { rules: [{ when: '1 + 1', mode: 'auto' }] },
      'rules[0].when: expected a CEL expression that is true or false, got a value of type int at character 1',
    ],
  ];
  for (const [what, content, expected] of problems) {
    it(`refuses ${what}`, async () => {
      const found = await problemsOf({
        mcpServers: servers,
        groups: { readers: ['files/*'] },
        ...content,
      });
      assert.deepEqual(
        found.map((line) => line.replace(/^\d+:\d+ /, '')),
        [expected],
      );
    });
  }

  const overrides: [object, RegExp][] = [
    [{ a: { arguments: { x: {} } } }, /arguments\.x: expected either "const" or "hidden"/],
    [
      { a: { arguments: { x: { const: 1, hidden: true } } } },
      /expected either "const" or "hidden"/,
    ],
    [{ a: { arguments: { x: { cons: 1 } } } }, /got "cons"; did you mean "const"\?/],
    [{ a: { nam: 'x' } }, /got "nam"; did you mean "name"\?/],
    [
      { a: { name: 'x' }, b: { name: 'x' } },
      /b\.name: expected a name of its own, got that of "a"/,
    ],
    [{ a: { name: 'two words' } }, /a\.name: expected letters, digits/],
  ];
  for (const [override, expected] of overrides) {
    it(`refuses the override ${JSON.stringify(override)}`, async () => {
      const found = await problemsOf({
        mcpServers: { files: { command: 'x', tools: { override } } },
      });
      assert.match(found.join('\n'), expected);
    });
  }

  it('lets a key that is off have a secret that is not set', async () => {
    const key = { secret: '${NOT_SET}', tools: ['*'] };
    assert.match(
      (await problemsOf({ mcpServers: servers, keys: { key } }))[0] ?? '',
      /NOT_SET, got nothing/,
    );
    const { config } = await load({
      mcpServers: servers,
      keys: { key: { ...key, enabled: false } },
    });
    assert.deepEqual(config.keys, []);
  });

  it('warns of a server that is not there', async () => {
    const { warnings } = await load({ mcpServers: servers, modes: { 'githb/*': 'auto' } });
    assert.match(
      warnings[0] ?? '',
      /modes\["githb\/\*"\]: no server is called "githb"; did you mean "github"\?$/,
    );
  });

  it('refuses numbers that the file does not keep', async () => {
    const text =
      '{"mcpServers":{"a":{"command":"x","tools":{"override":{"t":{"arguments":{"n":{"const":12345678901234567890}}}}}}}}';
    assert.match((await problemsOf(text))[0] ?? '', /numbers that JavaScript has exactly/);
  });
});

describe('compileExpression', () => {
  const refused: [string, RegExp][] = [
    [
      'args.a.all(x, args.a.all(y, args.a.all(z, true)))',
      /more than 2 loops within each other at character 29/,
    ],
    ['args.s.matches(args.p)', /pattern that is not written out at character 1/],
    ["args.s.matches('(')", /pattern that is none .* at character 16/],
    ["args.s.matches('(?=a)')", /pattern that is none/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /depth|nest/i],
    [Array.from({ length: 600 }, () => 'true').join(' && '), /node|limit|max/i],
  ];
  for (const [text, expected] of refused) {
    it(`refuses ${text.slice(0, 60)}`, () => {
      assert.match(compileExpression(text).problem ?? '', expected);
    });
  }

  it('runs patterns on an engine that does not backtrack, wherever they stand', () => {
    const text = "args.a.exists(x, x . matches('^(a+)+$')) || args.s.trim().matches('matches')";
    const compiled = compileExpression(text);
    assert.ok(compiled.problem === undefined);
    assert.equal(compiled.run({ args: { a: [`${'a'.repeat(100)}b`], s: ' matches ' } }), true);
    assert.equal(compiled.run({ args: { a: [`${'a'.repeat(100)}b`], s: 'x' } }), false);
  });
});
