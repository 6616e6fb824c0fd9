import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Call, Message } from '../../../src/core/call.ts';
import { GatewayError } from '../../../src/core/errors.ts';
import type { Target } from '../../../src/core/source.ts';
import { createPinGate } from '../../../src/policy/pinning-gate.ts';
import { MAX_PINS, oddCharacters } from '../../../src/policy/pinning.ts';
import type { PinningMode } from '../../../src/policy/pinning.ts';
import type { PinEvent } from '../../../src/policy/pinning-state.ts';
import { acquainted, MemoryPins, openPinning, textOf, tool } from './pinning-rig.ts';

const A = tool('a', 'the honest text');
const EVIL = tool('a', 'the EVIL text');
const B = tool('b');

describe('a tool that is seen for the first time', () => {
  for (const mode of ['ask', 'hold', 'quarantine'] as const) {
    test(`counts as accepted once that is durable (${mode})`, async () => {
      const store = new MemoryPins();
      const written = Promise.withResolvers<void>();
      store.hold = written.promise;
      const pinning = await openPinning(store, mode);
      const shown = pinning.apply('s', [A, B]);
      assert.equal(shown.length, mode === 'ask' ? 2 : 0);
      assert.equal(pinning.state('s', 'a'), 'new');
      assert.deepEqual(
        [pinning.judge('s', 'a').mustAsk, pinning.judge('s', 'a').isCallable],
        [true, mode === 'ask'],
      );
      const told: string[] = [];
      pinning.changed.on((server) => void told.push(server));
      written.resolve();
      await pinning.settled();
      assert.equal(store.rows.size, 2);
      assert.deepEqual(told, ['s']);
      assert.equal(pinning.state('s', 'a'), 'accepted');
      assert.deepEqual(pinning.apply('s', [A, B]), [A, B]);
      assert.equal(store.saves, 1);
    });
  }

  test('what changes before the first sight is durable is a change', async () => {
    const store = new MemoryPins();
    const written = Promise.withResolvers<void>();
    store.hold = written.promise;
    const pinning = await openPinning(store, 'hold');
    pinning.apply('s', [A]);
    assert.deepEqual(pinning.apply('s', [EVIL]), []);
    written.resolve();
    await pinning.settled();
    assert.equal(pinning.state('s', 'a'), 'held');
    assert.deepEqual(textOf(pinning.apply('s', [EVIL])), textOf([A]));
  });

  test('stays new while it cannot be kept, and is tried again', async () => {
    const store = new MemoryPins();
    store.hold = Promise.reject(new Error('disk full'));
    store.hold.catch(() => undefined);
    const pinning = await openPinning(store, 'quarantine');
    assert.deepEqual(pinning.apply('s', [A]), []);
    await pinning.settled();
    assert.equal(pinning.state('s', 'a'), 'new');
    store.hold = undefined;
    pinning.apply('s', [A]);
    await pinning.settled();
    assert.deepEqual(pinning.apply('s', [A]), [A]);
  });

  test('nothing is seen before the pins are loaded', async () => {
    const { createPinning } = await import('../../../src/policy/pinning.ts');
    const { definitionHash } = await import('../../../src/wire/canonical.ts');
    const { silent } = await import('./pinning-rig.ts');
    const pinning = createPinning({
      store: new MemoryPins(),
      modeOf: () => 'ask',
      hashOf: definitionHash,
      now: Date.now,
      log: silent,
    });
    assert.throws(() => pinning.apply('s', [A]), GatewayError);
  });
});

describe('a change', () => {
  const table = [
    ['ask', 'changed', [EVIL, B], true, true],
    ['hold', 'held', [A, B], false, true],
    ['quarantine', 'quarantined', [B], false, false],
    ['off', 'accepted', [EVIL, B], false, true],
  ] as const;
  for (const [mode, state, shown, mustAsk, isCallable] of table) {
    test(`under ${mode}`, async () => {
      const store = new MemoryPins();
      await acquainted(store, 'ask', [A, B]);
      const pinning = await openPinning(store, mode);
      pinning.apply('s', [A, B]);
      const before = pinning.judge('s', 'a').hash;
      assert.equal(textOf(pinning.apply('s', [EVIL, B])), textOf(shown));
      const judged = pinning.judge('s', 'a');
      assert.deepEqual(
        [judged.state, judged.mustAsk, judged.isCallable],
        [state, mustAsk, isCallable],
      );
      // Whatever is shown, an old yes was for another definition.
      assert.notEqual(judged.hash, before);
      assert.equal(pinning.state('s', 'b'), 'accepted');
      assert.equal(pinning.list().length, mode === 'off' ? 0 : 1);
      assert.equal(pinning.notice('s', 'a') !== '', mode === 'ask' || mode === 'hold');
    });

    test(`under ${mode} over a restart`, async () => {
      const store = new MemoryPins();
      await (await acquainted(store, 'ask', [A, B])).settled();
      const pinning = await openPinning(store, mode);
      assert.equal(textOf(pinning.apply('s', [EVIL, B])), textOf(shown));
      await pinning.settled();
      assert.equal(pinning.state('s', 'a'), state);
      assert.equal(store.rows.get('s/a')!.definition, A.raw.toString());
    });

    test(`under ${mode}, accepted`, async () => {
      const store = new MemoryPins();
      const pinning = await acquainted(store, mode, [A, B]);
      pinning.apply('s', [EVIL, B]);
      await pinning.accept('s', 'a', 'owner', pinning.judge('s', 'a').hash);
      assert.equal(pinning.state('s', 'a'), 'accepted');
      assert.deepEqual(pinning.apply('s', [EVIL, B]), [EVIL, B]);
      assert.equal(store.rows.get('s/a')!.acceptedBy, 'owner');
      const again = await openPinning(store, mode);
      assert.deepEqual(again.apply('s', [EVIL, B]), [EVIL, B]);
    });
  }

  test('white space, key order and icons change nothing; one letter, a schema or _meta do', async () => {
    const pinning = await acquainted(new MemoryPins(), 'quarantine', [A]);
    const stateOf = (text: string) => {
      pinning.apply('s', [{ name: 'a', raw: Buffer.from(text) }]);
      return pinning.state('s', 'a');
    };
    assert.equal(
      stateOf('{ "inputSchema":{"type":"object"}, "description":"the honest text","name":"a" }'),
      'accepted',
    );
    assert.equal(
      stateOf(
        '{"name":"a","icons":[],"description":"the honest text","inputSchema":{"type":"object"}}',
      ),
      'accepted',
    );
    assert.equal(
      stateOf('{"name":"a","description":"the honest texT","inputSchema":{"type":"object"}}'),
      'quarantined',
    );
    assert.equal(
      stateOf(
        '{"name":"a","description":"the honest text","inputSchema":{"type":"object"},"_meta":{}}',
      ),
      'quarantined',
    );
    assert.equal(
      stateOf('{"name":"a","description":"the honest text","inputSchema":{}}'),
      'quarantined',
    );
  });

  test('that is taken back leaves the tool as it was, and both are told', async () => {
    const pinning = await acquainted(new MemoryPins(), 'hold', [A]);
    const events: PinEvent['kind'][] = [];
    pinning.events.on(({ kind }) => void events.push(kind));
    pinning.apply('s', [EVIL]);
    pinning.apply('s', [EVIL]);
    pinning.apply('s', [A]);
    assert.equal(pinning.state('s', 'a'), 'accepted');
    assert.deepEqual(events, ['changed', 'restored']);
  });

  test('a tool or a server that goes away and comes back is not new', async () => {
    const store = new MemoryPins();
    const pinning = await acquainted(store, 'quarantine', [A, B]);
    pinning.apply('s', [B]);
    assert.deepEqual(pinning.apply('s', [EVIL, B]), [B]);
    pinning.drop('s');
    assert.deepEqual(pinning.list(), []);
    assert.deepEqual(pinning.apply('s', [EVIL, B]), [B]);
    await pinning.forget('s');
    assert.equal(store.rows.size, 0);
    pinning.apply('s', [EVIL]);
    await pinning.settled();
    assert.deepEqual(pinning.apply('s', [EVIL]), [EVIL]);
  });

  test('the mode may change while it waits', async () => {
    let mode: PinningMode = 'off';
    const pinning = await openPinning(new MemoryPins(), () => mode);
    const items = [A];
    pinning.apply('s', items);
    await pinning.settled();
    mode = 'quarantine';
    assert.deepEqual(pinning.apply('s', items), []);
    await pinning.settled();
    assert.deepEqual(pinning.apply('s', items), items);
    const changed = [EVIL];
    assert.deepEqual(pinning.apply('s', changed), []);
    mode = 'ask';
    assert.deepEqual(pinning.apply('s', changed), changed);
    assert.equal(pinning.state('s', 'a'), 'changed');
  });

  test('another definition than the one looked at is not accepted', async () => {
    const pinning = await acquainted(new MemoryPins(), 'ask', [A]);
    pinning.apply('s', [EVIL]);
    const { hash } = pinning.judge('s', 'a');
    pinning.apply('s', [tool('a', 'worse still')]);
    await assert.rejects(pinning.accept('s', 'a', 'owner', hash), { code: 'DEFINITION_CHANGED' });
    await assert.rejects(pinning.accept('s', 'zzz', 'owner'), { code: 'TOOL_NOT_FOUND' });
    assert.equal(pinning.state('s', 'a'), 'changed');
  });
});

describe('many tools', () => {
  test('5,000 are pinned in one write, and one that changes is found', async () => {
    const store = new MemoryPins();
    const items = Array.from({ length: 5_000 }, (_, i) => tool(`t${i}`));
    const pinning = await acquainted(store, 'hold', items);
    assert.deepEqual([store.rows.size, store.saves], [5_000, 1]);
    assert.equal(pinning.apply('s', items), pinning.apply('s', items));
    const next = items.with(4_321, tool('t4321', 'evil'));
    assert.equal(textOf(pinning.apply('s', next)), textOf(items));
    assert.deepEqual(
      pinning.list().map((change) => change.tool),
      ['t4321'],
    );
    assert.equal(store.saves, 1);
  });

  test('names without end do not push out what was accepted', async () => {
    const store = new MemoryPins();
    const pinning = await acquainted(store, 'quarantine', [A]);
    for (let round = 0; round < 3; round++) {
      pinning.apply(
        's',
        Array.from({ length: 5_000 }, (_, i) => tool(`r${round}-${i}`)),
      );
      await pinning.settled();
    }
    assert.equal(store.rows.size, MAX_PINS);
    assert.deepEqual(pinning.apply('s', [EVIL, tool('r2-4999')]), []);
    assert.equal(pinning.state('s', 'r2-4999'), 'new');
    await pinning.accept('s', 'r2-4999', 'owner');
    assert.equal(pinning.state('s', 'r2-4999'), 'accepted');
  });
});

describe('what a person sees', () => {
  test('the line that differs, with what is invisible shown', async () => {
    const pinning = await acquainted(new MemoryPins(), 'ask', [
      tool('a', 'Reads a file.\nIt is quick.'),
    ]);
    pinning.apply('s', [tool('a', 'Reads a file.\nIt is\u200b \u202equick\u{e0041}.')]);
    const lines = pinning.diff('s', 'a').split('\n');
    assert.deepEqual(
      lines.filter((line) => /^[-+]/.test(line)),
      ['-       It is quick."', '+       It is\\u{200B} \\u{202E}quick\\u{E0041}."'],
    );
    assert.match(
      pinning.notice('s', 'a'),
      /^Server "s" has changed this tool since it was accepted:\n/,
    );
    assert.deepEqual(
      pinning.list()[0]!.oddCharacters.map(({ code, path }) => `${path} ${code}`),
      ['$.description U+200B', '$.description U+202E', '$.description U+E0041'],
    );
  });

  test('of a long line, the part that differs', async () => {
    const text = (word: string) =>
      `${'lorem ipsum '.repeat(200)}${word}${' dolor sit'.repeat(200)}`;
    const pinning = await acquainted(new MemoryPins(), 'ask', [tool('a', text('good'))]);
    pinning.apply('s', [tool('a', text('evil'))]);
    const diff = pinning.diff('s', 'a');
    assert.ok(diff.length < 1_500, `${diff.length}`);
    assert.match(diff, /^- …[^\n]*good/m);
    assert.match(diff, /^\+ …[^\n]*evil/m);
  });

  test('huge and deep definitions stay readable', async () => {
    const big = (n: number, word: string) => ({
      name: 'a',
      raw: Buffer.from(
        `{"name":"a","inputSchema":${'{"not":'.repeat(300)}{"enum":[${Array.from({ length: n }, (_, i) => `"${word}${i}"`).join()}]}${'}'.repeat(300)}}`,
      ),
    });
    const pinning = await acquainted(new MemoryPins(), 'ask', [big(60_000, 'x')]);
    pinning.apply('s', [big(60_000, 'y')]);
    assert.ok(pinning.diff('s', 'a').split('\n').length <= 401);
  });

  test('odd characters are found in names, keys and values, honest pictures are not', () => {
    const found = (value: unknown) =>
      oddCharacters(Buffer.from(JSON.stringify(value))).map(({ code }) => code);
    assert.deepEqual(
      found({
        'a\u2060': 'x',
        b: ['\u001b[31m', '\u{e0020}', '\ufe0f', '\u2800', '\u3164', '\ue000', '\u00ad'],
      }),
      ['U+2060', 'U+001B', 'U+E0020', 'U+FE0F', 'U+2800', 'U+3164', 'U+E000', 'U+00AD'],
    );
    assert.deepEqual(found({ a: '👨‍👩‍👧 ❤️ 👍🏽 naïve\n\tπ 漢字' }), []);
    assert.deepEqual(oddCharacters(Buffer.from('{"a":"\\u200b"}')), [
      { path: '$.a', code: 'U+200B' },
    ]);
    assert.equal(found({ a: '\u200b'.repeat(5_000) }).length, 100);
  });
});

test('the gate refuses what is kept back as if it were not there, and waits for a first sight', async () => {
  const store = new MemoryPins();
  const pinning = await openPinning(store, 'quarantine');
  const { before: gate, last } = createPinGate(pinning);
  const call = { id: '1', method: 'tools/call', name: 's__a' } as Call;
  const target = { source: { name: 's' }, name: 'a' } as Target;
  const next = () => Promise.resolve({} as Message);
  pinning.apply('s', [A]);
  await gate(call, target, next);
  pinning.apply('s', [EVIL]);
  await assert.rejects(gate(call, target, next), {
    code: 'TOOL_NOT_FOUND',
    message: 'Unknown tool: "s__a"',
  });
  await gate({ ...call, method: 'prompts/get' }, target, next);
  await last({ ...call, method: 'prompts/get' }, target, next);
  pinning.apply('s', [A]);
  const through = (change: () => void) =>
    gate(call, target, (one) => {
      change();
      return last(one, target, next);
    });
  await through(() => undefined);
  await assert.rejects(
    through(() => pinning.apply('s', [EVIL])),
    { code: 'DEFINITION_CHANGED' },
  );
});
