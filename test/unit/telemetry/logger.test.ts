import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLogger } from '../../../src/telemetry/logger.ts';

function logger(readable: boolean) {
  const lines: string[] = [];
  const destination = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      lines.push(line);
      done();
    },
  });
  return { lines, log: createLogger({ level: 'info', readable, color: false, destination }) };
}

test('a line is JSON with level, time and facts', () => {
  const { lines, log } = logger(false);
  log.child({ server: 'files' }).info({ state: 'ready' }, 'server is connected');
  log.debug({}, 'too little to tell');
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0]!);
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(rest, {
    level: 'info',
    server: 'files',
    state: 'ready',
    msg: 'server is connected',
  });
});

test('what may be a secret never reaches a log, at the top or one level down', () => {
  const { lines, log } = logger(false);
  const secrets = {
    authorization: 'hush',
    headers: { authorization: 'hush' },
    env: { TOKEN: 'hush' },
    key: 'hush',
    secret: 'hush',
    arguments: { password: 'hush' },
  };
  log.info({ ...secrets, config: secrets }, 'with secrets');
  assert.doesNotMatch(lines[0]!, /hush/);
  assert.match(lines[0]!, /\[redacted\]/);
});

test('errors are logged with their stack, readable lines without colours', () => {
  const { lines, log } = logger(false);
  log.error({ err: new Error('broken') }, 'a fault');
  assert.match(JSON.parse(lines[0]!).err.stack, /broken/);
  const person = logger(true);
  person.log.warn({ server: 'files' }, 'it is slow');
  assert.match(person.lines.join(''), /^\[\d\d:\d\d:\d\d\] WARN: it is slow\n\s+server: "files"/);
});
