import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Log } from '../../../src/core/log.ts';
import { createAccess } from '../../../src/policy/access.ts';
import { createModes } from '../../../src/policy/modes.ts';
import { explain } from '../../../src/policy/why.ts';
import { configOf, principal, tool } from './support.ts';
import type { PrincipalFacts } from './support.ts';

function createTestLog(): Log & { readonly lines: object[] } {
  const lines: object[] = [];
  const add = (facts: object) => void lines.push(facts);
  return { lines, debug: add, info: add, warn: add, error: add };
}

async function modesOf(content: object) {
  const config = await configOf(content);
  const log = createTestLog();
  const modes = createModes(config, config.servers, log);
  const access = createAccess(config, config.servers);
  const ask = (what: string, args?: string, facts: PrincipalFacts = {}, definition?: Buffer) => {
    const [server, name] = what.split('/') as [string, string];
    const argumentsBytes = args === undefined ? undefined : Buffer.from(args);
    return {
      principal: principal({ tools: ['*'], ...facts }),
      server,
      tool: name,
      definition,
      argumentsBytes,
    };
  };
  const decide = (...question: Parameters<typeof ask>) => modes.decide(ask(...question));
  const mode = (...question: Parameters<typeof ask>) => decide(...question).mode;
  return { modes, access, log, decide, mode };
}

const rule = (when: string, mode = 'auto', tools = ['db/*']) => ({
  rules: [{ tools, when, mode }],
});

describe('createModes', () => {
  it('asks when nothing decides, and says what would', async () => {
    const { decide } = await modesOf({});
    const { mode, rule: label, suggestion } = decide('files/read_file');
    assert.deepEqual([mode, label], ['ask', 'default']);
    assert.match(suggestion ?? '', /"autoExecute": \["read_file"\].*"files"/);
  });

  it('takes key before server before file, and the first match within each', async () => {
    const files = {
      command: 'x',
      autoExecute: ['read_*', 'delete_tmp'],
      modes: { read_secret: 'review', 'delete_*': 'review' },
    };
    const { mode, decide } = await modesOf({
      mcpServers: { files, db: { command: 'x' } },
      groups: { odd: ['files/odd', 'db/odd'] },
      modes: { '@odd': 'auto', 'files/*': 'review', 'db/x': 'auto', 'db/*': 'review' },
      rules: [{ when: 'tool == "ruled"', mode: 'auto' }],
    });
    assert.equal(mode('files/read_file'), 'auto');
    assert.equal(mode('files/read_secret'), 'review');
    // `modes` of a server before `autoExecute`.
    assert.equal(mode('files/delete_tmp'), 'review');
    assert.equal(mode('files/write'), 'review');
    assert.equal(mode('files/odd'), 'auto');
    assert.equal(mode('files/ruled'), 'auto');
    assert.equal(mode('db/x'), 'auto');
    assert.equal(mode('db/y'), 'review');
    const modes = [
      { tools: 'files/read_file', mode: 'ask' as const },
      { tools: '@odd', mode: 'review' as const },
      { tools: 'files/*', mode: 'auto' as const },
    ];
    assert.equal(mode('files/read_file', undefined, { modes }), 'ask');
    assert.equal(mode('files/odd', undefined, { modes }), 'review');
    assert.equal(mode('files/read_secret', undefined, { modes }), 'auto');
    assert.equal(mode('db/y', undefined, { modes }), 'review');
    assert.equal(decide('files/read_file').suggestion, undefined);
    assert.equal(decide('files/read_file').rule, 'autoExecute of server "files": "read_*"');
  });

  const table: [when: string, args: string | undefined, holds: boolean][] = [
    ["args.sql.startsWith('SELECT')", '{"sql":"SELECT 1"}', true],
    ["args.sql.startsWith('SELECT')", '{"sql":"DROP"}', false],
    ["args.sql.startsWith('SELECT')", '{}', false],
    ["args.sql.startsWith('SELECT')", undefined, false],
    [
      "args.sql.matches('^(?i)select\\\\b') && !args.sql.matches( ';' )",
      '{"sql":"Select 1"}',
      true,
    ],
    ["args.sql.matches('^(a+)+$')", `{"sql":"${'a'.repeat(50)}b"}`, false],
    ['args.n > 4 && args.n < 5.5', '{"n":5}', true],
    ['args.n == 1', '{"n":1.0}', true],
    ['has(args.dry) && args.dry', '{"dry":true}', true],
    ['has(args.dry) && args.dry', '{}', false],
    ["args.tags.all(t, t in ['a', 'b'])", '{"tags":["a","b"]}', true],
    ["args.deep.list[1].x == 'y'", '{"deep":{"list":[0,{"x":"y"}]}}', true],
    ["tool == 'query' && server == 'db' && key == 'cursor' && team == ''", '{}', true],
    // Not a boolean at run is not a yes.
    ['args.dry', '{"dry":"true"}', false],
    ['args.dry', '{"dry":true}', true],
    // Numbers that cannot be had exactly.
    ['args.n > 5', '{"n":12345678901234567890}', false],
    ['args.n != 9007199254740993', '{"n":9007199254740993}', false],
    ['!(args.n == 9007199254740993)', '{"n":9007199254740993}', false],
    ['args.n > 5', '{"n":1e400}', false],
    ['args.n == 0', '{"n":1e-400}', false],
    ['args.n == 0', '{"n":0.0e9}', true],
    ['args.m == 1', '{"n":1e400,"m":1}', true],
    // Readers differ in which one counts.
    ['args.n == 1', '{"n":2,"n":1}', false],
    ['args.n == 1', '{"\\u006e":2,"n":1}', false],
    ['args.m == 1', '{"n":2,"n":1,"m":1}', true],
    ['args.__proto__ == 1 || args.constructor == 1 || args.toString == 1', '{}', false],
    ["args['__proto__'] == 1", '{"__proto__":1}', true],
  ];
  for (const [when, args, holds] of table) {
    it(`${holds ? 'holds' : 'does not hold'}: ${when} of ${args}`, async () => {
      const { mode } = await modesOf(rule(when));
      assert.equal(mode('db/query', args), holds ? 'auto' : 'ask');
    });
  }

  it('believes annotations of trusted servers and of overrides only', async () => {
    const override = { told: { annotations: { readOnlyHint: true } } };
    const { mode } = await modesOf({
      mcpServers: {
        db: { command: 'x', trusted: true },
        files: { command: 'x', tools: { override } },
      },
      ...rule('annotations.readOnlyHint', 'auto', ['*']),
    });
    const readOnly = tool('t', { annotations: { readOnlyHint: true } });
    assert.equal(mode('db/t', '{}', {}, readOnly), 'auto');
    assert.equal(mode('files/t', '{}', {}, readOnly), 'ask');
    assert.equal(mode('files/told', '{}', {}, tool('told')), 'auto');
  });

  it('never lets a rule that fails loosen what would follow', async () => {
    const { mode, decide, log } = await modesOf({
      rules: [
        { when: 'args.amount > 1000', mode: 'review' },
        { when: 'true', mode: 'auto' },
      ],
    });
    assert.equal(mode('db/pay', '{"amount":5}'), 'auto');
    assert.equal(mode('db/pay', '{"amount":5000}'), 'review');
    assert.equal(log.lines.length, 0);
    for (const args of [
      '{"amount":"5000"}',
      '{"amount":1e400}',
      '{"amount":5,"amount":5000}',
      '{}',
    ]) {
      const decision = decide('db/pay', args);
      assert.equal(decision.mode, 'review', args);
      assert.match(decision.faults[0] ?? '', /^rules\[0\] could not be told: /);
    }
    assert.equal(log.lines.length, 4);
  });

  it('ends a rule that takes too long', async () => {
    const list = JSON.stringify({
      list: Array.from({ length: 500 }, (_, i) => i),
      text: 'x'.repeat(200_000),
    });
    const { decide } = await modesOf(
      rule("args.list.exists(a, args.list.exists(b, args.text.contains('y' + string(a + b))))"),
    );
    const decision = decide('db/query', list);
    assert.equal(decision.mode, 'ask');
    assert.match(decision.faults[0] ?? '', /longer than 50 ms/);
    const long = JSON.stringify({ list: Array.from({ length: 501 }, (_, i) => i) });
    const other = await modesOf(rule('args.list.size() > 0'));
    assert.match(other.decide('db/query', long).faults[0] ?? '', /list of more than 500/);
  });

  it('hashes what can decide a principal and tool, and nothing else', async () => {
    const base = {
      rules: [{ tools: ['db/query'], when: "args.a == '1'", mode: 'auto' }],
      modes: { 'db/*': 'ask' },
    };
    const hash = async (content: object, what = 'db/query', facts: PrincipalFacts = {}) =>
      (await modesOf(content)).decide(what, '{}', facts).hash;
    const first = await hash(base);
    assert.equal(await hash(base), first);
    assert.equal(await hash({ ...base, modes: { 'db/*': 'ask', 'files/*': 'auto' } }), first);
    assert.equal(
      await hash({
        ...base,
        rules: [...base.rules, { tools: ['files/*'], when: 'true', mode: 'auto' }],
      }),
      first,
    );
    const others = [
      await hash({ ...base, modes: { 'db/*': 'review' } }),
      await hash({ ...base, rules: [{ ...base.rules[0], mode: 'review' }] }),
      await hash({ ...base, rules: [{ ...base.rules[0], when: "args.a == '2'" }] }),
      await hash({ ...base, rules: [{ tools: ['*'], when: 'true', mode: 'auto' }, ...base.rules] }),
      await hash(base, 'db/query', { team: 'other' }),
      await hash(base, 'db/query', { modes: [{ tools: '*', mode: 'ask' }] }),
      await hash({ ...base, mcpServers: { db: { command: 'x', trusted: true } } }),
    ];
    assert.equal(new Set([first, ...others]).size, others.length + 1);
  });
});

describe('explain', () => {
  it('says which level forbids a thing, or what decides', async () => {
    const { access, modes } = await modesOf({
      customers: { acme: { deny: ['files/delete_*'] } },
      teams: { core: { customer: 'acme' } },
      rules: [{ tools: ['files/*'], when: 'args.x == 1', mode: 'auto' }],
    });
    const why = (name: string, facts: PrincipalFacts, args?: string) =>
      explain(
        { access, modes },
        {
          principal: principal(facts),
          server: 'files',
          name,
          definition: tool(name),
          argumentsBytes: args === undefined ? undefined : Buffer.from(args),
        },
      );
    const forbidden = why('delete_it', { tools: ['*'], team: 'core' });
    assert.equal(forbidden.permitted, false);
    assert.equal(forbidden.sentences[1], 'Customer "acme" denies it by "files/delete_*".');
    assert.match(
      why('a', { tools: [] }).sentences[1] ?? '',
      /^Key "cursor" has nothing that allows it/,
    );
    assert.match(
      why('a', { tools: ['*'], team: 'x' }).sentences[1] ?? '',
      /^Team "x", which is not there,/,
    );
    const asked = why('a', { tools: ['*'] }, '{"x":2}');
    assert.deepEqual([asked.permitted, asked.mode], [true, 'ask']);
    assert.match(asked.sentences.join('\n'), /rules\[0\], when args\.x == 1: auto; default: ask/);
    assert.match(asked.sentences.join('\n'), /"autoExecute": \["a"\]/);
    assert.equal(why('a', { tools: ['*'] }, '{"x":1}').mode, 'auto');
  });
});
