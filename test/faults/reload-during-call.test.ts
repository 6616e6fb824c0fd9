// A reload that changes or removes a server lets the calls finish that are in flight to it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Servers, program, startGateway } from '../support/gateway.ts';
import { echoOptions } from '../support/upstreams/echo.ts';
import { startHttpUpstream } from '../support/upstreams/raw.ts';
import { isAlive } from '../support/processes/alive.ts';
import { callTool, legacyClient, modernClient, pidOf, until } from './support.ts';

const MS = 800;
const other = program('echo.ts', '--name', 'other');

for (const [what, next] of [
  ['changed', { target: other }],
  ['removed', {}],
  ['disabled', { target: { ...program('echo.ts'), enabled: false } }],
] as const satisfies readonly (readonly [string, Servers])[]) {
  it(`calls in flight to a stdio server that is ${what} end in their results`, async () => {
    await using gateway = await startGateway({ servers: { target: program('echo.ts') } });
    const client = modernClient(gateway);
    await using legacy = await legacyClient(gateway);
    const pid = await pidOf(client, 'target__whoami');
    const calls = [client, legacy].map((one) => callTool(one, 'target__delay', { ms: MS }));
    // Answered after both have been sent on.
    await Promise.all([callTool(client, 'target__delay'), callTool(legacy, 'target__delay')]);
    await gateway.reload({ servers: next });
    for (const { code, text } of await Promise.all(calls)) assert.equal(code, undefined, text);
    await until('the end of the old process', () => !isAlive(pid));
    if (what === 'changed') {
      await until('the new one', async () => {
        const { code, text } = await callTool(client, 'target__whoami');
        return code === undefined && text.includes('"other"');
      });
    } else assert.equal((await callTool(client, 'target__echo')).code, 'TOOL_NOT_FOUND');
  });
}

for (const transport of ['http', 'sse'] as const) {
  it(`the same over ${transport}`, async () => {
    await using upstream = await startHttpUpstream({ ...echoOptions(), transport });
    const entry = { url: upstream.url, type: transport };
    await using gateway = await startGateway({ servers: { target: entry } });
    const client = modernClient(gateway);
    const call = callTool(client, 'target__delay', { ms: MS });
    await callTool(client, 'target__delay');
    await gateway.reload({ servers: { target: { ...entry, headers: { x: '1' } } } });
    const { code, text } = await call;
    assert.equal(code, undefined, text);
  });
}
