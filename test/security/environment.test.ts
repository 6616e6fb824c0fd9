// A child gets the harmless part of the gateway's environment and what its own entry names, and nothing else.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { program, startGatewayProcess } from '../support/gateway.ts';
import { rawModern } from '../support/raw-client.ts';

const CANARIES = {
  TOOLGATE_KEY: 'canary-key',
  TOOLGATE_CANARY: 'canary-own',
  CANARY_SECRET: 'canary-plain',
  AWS_SECRET_ACCESS_KEY: 'canary-cloud',
  GITHUB_TOKEN: 'canary-token',
  HTTPS_PROXY: 'http://canary-proxy.invalid',
  SSH_AUTH_SOCK: '/canary-socket',
  NODE_EXTRA_CA_CERTS: '/canary-certs',
  npm_config_canary: 'canary-npm',
  LC_CANARY: '() { canary-function; }',
};

it('a child sees no variable that is not meant for it', async () => {
  const show = program('environment.ts');
  await using gateway = await startGatewayProcess({
    env: { PATH: process.env['PATH'], HOME: '/tmp', LANG: 'C.UTF-8', GIVEN: 'given', ...CANARIES },
    servers: { bare: show, told: { ...show, env: { NAMED: 'named', COPY: '${GIVEN}' } } },
  });
  const client = rawModern(gateway.url, { headers: { authorization: `Bearer ${gateway.key}` } });
  for (const server of ['bare', 'told']) {
    const params = `{"name":"${server}__environment"}`;
    const { result, message } = await client.request('tools/call', params);
    const { content } = JSON.parse(result ?? message) as { content: { text: string }[] };
    const seen = JSON.parse(content[0]!.text) as Record<string, string>;
    assert.ok(!JSON.stringify(seen).includes('canary'), JSON.stringify(seen));
    assert.ok(!JSON.stringify(seen).includes(gateway.key));
    assert.equal(seen['HOME'], '/tmp');
    assert.equal(seen['NAMED'], server === 'told' ? 'named' : undefined);
    assert.equal(seen['COPY'], server === 'told' ? 'given' : undefined);
    assert.equal(seen['GIVEN'], undefined);
  }
});
