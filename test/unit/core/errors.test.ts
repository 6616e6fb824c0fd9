import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, GatewayError, isGatewayError, reasonOf } from '../../../src/core/errors.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

test('every code has a status, a JSON-RPC code that may be used, and a sentence', () => {
  for (const code of CODES) {
    const { status, rpc, meaning } = ERRORS[code];
    assert.match(code, /^[A-Z]+(?:_[A-Z]+)*$/);
    // A call that waits for a yes has not failed: 202.
    assert.ok((status >= 400 && status < 600) || code === 'APPROVAL_PENDING', code);
    // JSON-RPC keeps -32768 to -32000 for itself and for MCP: of these only codes that they define.
    const defined = [-32700, -32600, -32601, -32602, -32603, -32000, -32001, -32020, -32022];
    assert.ok(rpc > -32000 || rpc < -32768 || defined.includes(rpc), `${code}: ${rpc}`);
    assert.match(meaning, /^[A-Z].*\.$/, code);
  }
});

test('own codes are one for each failure', () => {
  const own = CODES.map((code) => ERRORS[code].rpc).filter((rpc) => rpc > -32000);
  assert.equal(new Set(own).size, own.length);
});

test('what may have run is never called retryable', () => {
  for (const code of ['UPSTREAM_LOST', 'UPSTREAM_TIMEOUT', 'CALL_CANCELLED', 'INTERNAL'] as const) {
    assert.equal(new GatewayError(code, 'x').retryable, false, code);
  }
});

test('an error carries its code, its facts and its cause', () => {
  const cause = new TypeError('inner');
  const error = new GatewayError('UPSTREAM_DOWN', 'It is down.', { cause, data: { server: 'a' } });
  assert.ok(isGatewayError(error) && error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.status, error.rpcCode, error.retryable, error.data, error.cause],
    ['GatewayError', 'UPSTREAM_DOWN', 502, -31012, true, { server: 'a' }, cause],
  );
  assert.equal('cause' in new GatewayError('INTERNAL', 'x'), false);
  assert.equal(isGatewayError({ code: 'INTERNAL' }), false);
});

test('a reason can be had of anything that is thrown', () => {
  assert.equal(reasonOf(new Error('why')), 'why');
  assert.equal(reasonOf('text'), 'text');
  assert.equal(reasonOf(undefined), 'undefined');
});
