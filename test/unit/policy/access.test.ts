import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { ItemKind } from '../../../src/core/source.ts';
import { createAccess } from '../../../src/policy/access.ts';
import { configOf, principal, tool } from './support.ts';
import type { PrincipalFacts } from './support.ts';

const POLICY = {
  groups: { readers: ['files/read_*', 'github/get_*'], all: ['*'] },
  customers: { acme: { tools: ['@readers', 'db/*'] }, open: {} },
  teams: {
    core: { customer: 'acme', tools: ['@readers', 'github/*'], deny: ['files/read_secret'] },
    loose: { customer: 'open' },
    none: { tools: [] },
  },
  environments: { prod: { readOnly: ['files'] }, closed: { tools: [], deny: [] } },
};

type Row = [PrincipalFacts, ItemKind, string, boolean];

const ROWS: Row[] = [
  // A key without tools sees nothing.
  [{}, 'tools', 'files/read_file', false],
  [{ tools: ['*'] }, 'tools', 'files/read_file', true],
  [{ tools: ['files/*'] }, 'tools', 'files/read_file', true],
  [{ tools: ['files/*'] }, 'tools', 'github/get_issue', false],
  [{ tools: ['files/read_*'] }, 'tools', 'files/read_file', true],
  [{ tools: ['files/read_*'] }, 'tools', 'files/READ_file', false],
  [{ tools: ['FILES/*'] }, 'tools', 'files/read_file', false],
  [{ tools: ['*/read_*'] }, 'tools', 'files/read_file', true],
  [{ tools: ['@readers'] }, 'tools', 'github/get_issue', true],
  [{ tools: ['@gone'] }, 'tools', 'github/get_issue', false],
  [{ tools: ['read_file'] }, 'tools', 'files/read_file', false],
  // Deny beats allow; a deny that is not understood denies all.
  [{ tools: ['*'], deny: ['files/read_*'] }, 'tools', 'files/read_file', false],
  [{ tools: ['*'], deny: ['files/read_*'] }, 'tools', 'files/write_file', true],
  [{ tools: ['*'], deny: ['@gone'] }, 'tools', 'files/write_file', false],
  [{ tools: ['*'], deny: ['files'] }, 'tools', 'db/query', false],
  // A team lies inside its customer, a key inside its team.
  [{ tools: ['*'], team: 'core' }, 'tools', 'files/read_file', true],
  [{ tools: ['*'], team: 'core' }, 'tools', 'files/read_secret', false],
  [{ tools: ['*'], team: 'core' }, 'tools', 'github/create_issue', false],
  [{ tools: ['*'], team: 'core' }, 'tools', 'db/query', false],
  [{ tools: ['*'], customer: 'acme' }, 'tools', 'db/query', true],
  [{ tools: ['*'], team: 'loose' }, 'tools', 'db/query', true],
  [{ tools: ['db/*'], team: 'loose' }, 'tools', 'files/read_file', false],
  [{ tools: ['*'], team: 'none' }, 'tools', 'db/query', false],
  [{ tools: ['*'], team: 'gone' }, 'tools', 'db/query', false],
  [{ tools: ['*'], customer: 'gone' }, 'tools', 'db/query', false],
  [{ tools: ['*'], environment: 'gone' }, 'tools', 'db/query', false],
  [{ tools: ['*'], environment: 'closed' }, 'tools', 'db/query', false],
  // Prompts and resources: as listed, else with whole servers.
  [{ tools: ['files/*'] }, 'prompts', 'files/greet', true],
  [{ tools: ['files/read_*'] }, 'prompts', 'files/read_me', false],
  [{ tools: ['*'] }, 'resources', 'files/file:///a', true],
  [{ tools: ['files/read_*'] }, 'resources', 'files/file:///a', false],
  [{ tools: ['files/*'], prompts: [] }, 'prompts', 'files/greet', false],
  [{ prompts: ['files/gr*'] }, 'prompts', 'files/greet', true],
  [{ tools: ['*'], deny: ['files/gr*'] }, 'prompts', 'files/greet', false],
  [{ resources: ['files/file:///pub/*'] }, 'resources', 'files/file:///pub/a', true],
  [{ resources: ['files/file:///pub/*'] }, 'resources', 'files/file:///pub/../etc/passwd', false],
  [{ resources: ['files/file:///pub/*'] }, 'resources', 'files/file:///pub/%2e%2e/x', false],
  [{ resources: ['files/file:///pub/*'] }, 'resources', 'files/file:///pub//x', false],
  [{ resources: ['files/*'] }, 'resources', 'files/file:///pub/../x', true],
  [{ tools: ['*'], deny: ['files/file:///sec/*'] }, 'resources', 'files/file:///s%65c/x', false],
  [{ tools: ['*'], deny: ['files/file:///sec/*'] }, 'resources', 'files/file:///pub/x', true],
  [{ resources: ['files/file:///{p}'] }, 'resourceTemplates', 'files/file:///{p}', true],
  [{ tools: ['*'], team: 'core', prompts: ['github/*'] }, 'prompts', 'github/p', false],
  [{ prompts: ['db/*'], customer: 'acme' }, 'prompts', 'db/p', true],
];

describe('createAccess', () => {
  for (const [facts, kind, what, expected] of ROWS) {
    it(`${expected ? 'permits' : 'refuses'} ${kind} ${what} for ${JSON.stringify(facts)}`, async () => {
      const config = await configOf(POLICY);
      const access = createAccess(config, config.servers);
      const slash = what.indexOf('/');
      const who = { principal: principal(facts), narrow: [] };
      const [server, name] = [what.slice(0, slash), what.slice(slash + 1)];
      assert.equal(access.permits(who, kind, server, name, tool(name)), expected);
    });
  }

  it('applies a server’s own lists to its tools for everybody', async () => {
    const files = { command: 'x', tools: { allow: ['read_*', 'list'], deny: ['*_secret'] } };
    const config = await configOf({ mcpServers: { files } });
    const access = createAccess(config, config.servers);
    const who = { principal: principal({ tools: ['*'], role: 'admin' }), narrow: [] };
    const seen = ['read_file', 'read_secret', 'list', 'write'].filter((name) =>
      access.permits(who, 'tools', 'files', name),
    );
    assert.deepEqual(seen, ['read_file', 'list']);
    assert.ok(access.permits(who, 'prompts', 'files', 'write'));
  });

  it('lets only what is known to be read-only through, where an environment says so', async () => {
    const override = {
      told: { annotations: { readOnlyHint: true } },
      not: { annotations: { readOnlyHint: false } },
    };
    const config = await configOf({
      ...POLICY,
      mcpServers: {
        files: { command: 'x', trusted: true, tools: { override } },
        github: { command: 'x' },
      },
      environments: { prod: { readOnly: ['files', 'github'] } },
    });
    const access = createAccess(config, config.servers);
    const who = { principal: principal({ tools: ['*'], environment: 'prod' }), narrow: [] };
    const readOnly = tool('t', { annotations: { readOnlyHint: true } });
    const permits = (server: string, name: string, definition?: Buffer) =>
      access.permits(who, 'tools', server, name, definition);
    assert.ok(permits('files', 't', readOnly));
    assert.ok(permits('files', 'told', tool('told')));
    assert.ok(!permits('files', 'not', readOnly));
    assert.ok(!permits('files', 't', tool('t')));
    assert.ok(!permits('files', 't', tool('t', { annotations: { readOnlyHint: 'true' } })));
    assert.ok(!permits('files', 't'));
    // Its annotations are not believed.
    assert.ok(!permits('github', 't', readOnly));
  });

  it('narrows to what a request asks for, and never widens', async () => {
    const config = await configOf({ mcpServers: { 'a-b': { command: 'x' }, a: { command: 'x' } } });
    const access = createAccess(config, config.servers);
    const who = principal({ tools: ['a/*', 'a-b/c'] });
    const sees = (narrow: string[][], what: string) =>
      access.permits({ principal: who, narrow }, 'tools', what.split('/')[0]!, what.split('/')[1]!);
    assert.ok(sees([], 'a/x') && sees([], 'a-b/c') && !sees([], 'a-b/d'));
    assert.ok(sees([['a/x']], 'a/x') && !sees([['a/x']], 'a/y'));
    assert.ok(!sees([[]], 'a/x'));
    assert.ok(!sees([['*'], ['a-b/*']], 'a/x'));
    assert.ok(!sees([['a-b/*']], 'a-b/d'));
    // Bifrost's forms, with both ways to read the first.
    assert.ok(sees([['a-b-c']], 'a/b-c') && sees([['a-b-c']], 'a-b/c'));
    assert.ok(sees([['a-*']], 'a/x') && !sees([['a-*']], 'a-b/c'));
    assert.ok(sees([['a__x']], 'a/x') && !sees([['a']], 'a/x') && !sees([['a-']], 'a/x'));
  });

  it('tells lists that are equal from those that are not', async () => {
    const config = await configOf(POLICY);
    const access = createAccess(config, config.servers);
    const key = (facts: PrincipalFacts, narrow: string[][] = []) =>
      access.viewKey({ principal: principal(facts), narrow });
    assert.equal(key({ tools: ['*'] }), key({ tools: ['*'], id: 'other', name: 'other' }));
    const keys = [
      key({ tools: ['*'] }),
      key({ tools: ['files/*'] }),
      key({ tools: ['*'], deny: ['files/*'] }),
      key({ tools: ['*'], team: 'core' }),
      key({ tools: ['*'], environment: 'prod' }),
      key({ tools: ['*'] }, [['a', 'b']]),
      key({ tools: ['*'] }, [['a'], ['b']]),
      key({ tools: ['*'] }, [[]]),
      createAccess(config, config.servers).viewKey({
        principal: principal({ tools: ['*'] }),
        narrow: [],
      }),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('calls a view narrowed as soon as others may see something else', async () => {
    const config = await configOf({});
    const plain = createAccess(config, config.servers, { hasOtherKeys: () => false });
    const isNarrowed = (facts: PrincipalFacts, narrow: string[][] = []) =>
      plain.isNarrowed({ principal: principal(facts), narrow });
    assert.ok(!isNarrowed({ tools: ['*'] }));
    assert.ok(isNarrowed({ tools: ['*'] }, [['*']]));
    assert.ok(isNarrowed({ tools: ['files/*'] }));
    assert.ok(isNarrowed({ tools: ['*'], prompts: [] }));
    const who = { principal: principal({ tools: ['*'] }), narrow: [] };
    assert.ok(createAccess(config, config.servers).isNarrowed(who));
  });
});
